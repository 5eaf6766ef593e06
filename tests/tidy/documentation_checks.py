"""What README and docs name must exist: files, commands, options, links between pages, routes, settings, variables."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"`([\w.-]+(?:/[\w.*<>{}-]+)+/?|[\w-]+\.(?:py|toml|yaml|lock|md))(?::\d+)?`")
_COMMAND = re.compile(r"(?:^|\s)(?:python3? main\.py|smart-ai-router)(?P<rest>(?: [^\s|&;`\\#]+)*)")
_SCRIPT = re.compile(r"(?:^|\s)python3? (?P<path>[\w/.-]+\.py)")
_ANCHOR = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`\s]*)`")
_ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")  # an address alone does not say which
_ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1):7601(/[^\s\"'`<>),]*)")
_VARIABLE = re.compile(r"\bSMART_AI_ROUTER_[A-Z0-9_]*[A-Z0-9]\b")
SHELLS = ("bash", "sh", "shell", "console", "")
MADE_AT_RUN_TIME = ("logs", "data", ".venv", ".venv-dev", ".cache", "console_dist", "dist", "router_config.yaml")
FILE_ENDS = (".py", ".md", ".toml", ".yaml", ".lock", ".json", ".jsonl", ".conf", ".cfg", ".service", ".ts", ".vue")


def dead_paths(page: str, text: str, paths: Collection[str]) -> list[str]:
    """Files and folders of the repository that a page names in code marks or links, and that are not there."""
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    known = set(paths) | folders
    here = PurePosixPath(page).parent
    prose = _FENCE.sub("", text)
    found = []
    for target in _LINK.findall(prose):
        if "://" not in target and _join(here, target) not in known:
            found.append(f"{page}: links to {target}, which does not exist")
    roots = {path.partition("/")[0] for path in paths}
    for name in _PATH.findall(prose):
        plain = name.removeprefix("./").rstrip("/")
        parts = plain.split("/")
        # `Qwen/Qwen3-8B` is a model; a path begins with one of our folders or ends like one of our files.
        is_path = (parts[0] in roots and len(parts) > 1) or plain.endswith(FILE_ENDS)
        if not is_path or set(MADE_AT_RUN_TIME).intersection(parts) or set("*<>{}").intersection(name):
            continue
        if plain not in known and not any(path.endswith(f"/{plain}") for path in known):
            found.append(f"{page}: names {name}, which does not exist")
    return found


def _join(folder: PurePosixPath, target: str) -> str:
    parts: list[str] = []
    for part in (folder / target).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "."


def commands(text: str) -> Iterable[list[str]]:
    """The words after `python main.py` or `smart-ai-router` in every shell block and inline mark of a page."""
    blocks = [body for language, body in _FENCE.findall(text) if language in SHELLS]
    inline = re.findall(r"`((?:python3? main\.py|smart-ai-router)[^`]*)`", _FENCE.sub("", text))
    for line in "\n".join([*blocks, *inline]).splitlines():
        if not line.lstrip().startswith("#"):
            for match in _COMMAND.finditer(line):
                yield match["rest"].split()


def scripts(text: str) -> list[str]:
    """The Python files that a page's shell blocks run."""
    blocks = [body for language, body in _FENCE.findall(text) if language in SHELLS]
    return [match["path"] for body in blocks for match in _SCRIPT.finditer(body)]


def wrong_commands(page: str, text: str, accepts: Callable[[list[str]], str | None]) -> list[str]:
    """Commands that the command line does not know; `accepts` gives the reason, or None when it does."""
    found = []
    for words in commands(text):
        reason = accepts(words)
        if reason:
            found.append(f"{page}: `{' '.join(['smart-ai-router', *words])}`: {reason}")
    return found


def dead_anchors(page: str, text: str, pages: Mapping[str, str]) -> list[str]:
    """Links to a heading that is not there, in this page or in another one of `pages`."""
    here = PurePosixPath(page).parent
    found = []
    for target, anchor in _ANCHOR.findall(_FENCE.sub("", text)):
        path = _join(here, target) if target else page
        if "://" not in target and path in pages and anchor not in anchors(pages[path]):
            found.append(f"{page}: links to {target}#{anchor}, and there is no such heading")
    return found


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings get: lower case, words joined by hyphens, without other punctuation."""
    names = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
        names.add(kept.strip().replace(" ", "-"))
    return names


def unknown_routes(page: str, text: str, known: Collection[str]) -> list[str]:
    """Routes in code marks (`GET /v1/models`) and addresses of the router that nothing answers.

    `known` holds "GET /v1/models", with {word} for a part that varies.
    """
    patterns = [re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route))) for route in known]
    asked: list[tuple[Sequence[str], str]] = [([method], path) for method, path in _ROUTE.findall(text)]
    asked += [(_ANY_METHOD, path) for path in _ADDRESS.findall(text)]
    found = []
    for methods, path in asked:
        plain = path.partition("?")[0]
        if not any(pattern.fullmatch(f"{method} {plain}") for method in methods for pattern in patterns):
            found.append(f"{page}: {plain}: nothing answers there")
    return found


def unknown_variables(
    page: str, text: str, known: Collection[str], is_setting: Callable[[list[str]], bool]
) -> list[str]:
    """Environment variables of ours that nothing reads; `is_setting` judges the words behind SMART_AI_ROUTER__."""
    found = []
    for name in sorted(set(_VARIABLE.findall(text))):
        words = name.removeprefix("SMART_AI_ROUTER__").lower().split("__")
        if name not in known and not (name.startswith("SMART_AI_ROUTER__") and is_setting(words)):
            found.append(f"{page}: {name}: nothing reads this variable")
    return found


def unknown_settings(page: str, text: str, names: Collection[str]) -> list[str]:
    """Dotted names in code marks that begin with a section of the configuration and are no setting."""
    sections = {name.partition(".")[0] for name in names}
    plain = {name.replace("[]", "") for name in names}
    found = []
    for mark in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?::[^`]*)?`", _FENCE.sub("", text)):
        is_known = any(name == mark or name.startswith(f"{mark}.") for name in plain)
        if mark.partition(".")[0] in sections and not is_known and not mark.endswith(FILE_ENDS):
            found.append(f"{page}: {mark} is no setting")
    return found
