/** Light or dark; `public/theme.js` sets the same class before the first paint. */
import { ref } from "vue";

const STORED = "console.theme";
const root = document.documentElement;

export const isDark = ref(root.classList.contains("dark"));

export function setDark(dark: boolean): void {
  isDark.value = dark;
  root.classList.toggle("dark", dark);
  localStorage.setItem(STORED, dark ? "dark" : "light");
}
