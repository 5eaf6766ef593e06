// Runs before the first paint, so that a dark page never flashes white. A file of its own: inline scripts are refused.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("console.theme");
  } catch {
    // Storage may be switched off; then the system decides.
  }
  var isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", isDark);
})();
