"""What README and docs name must exist: files, commands, options, links between pages."""

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import PurePosixPath

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"`([\w.-]+(?:/[\w.*<>{}-]+)+/?|[\w-]+\.(?:py|toml|yaml|lock|md))(?::\d+)?`")
_COMMAND = re.compile(r"(?:^|\s)(?:python3? main\.py|smart-ai-router)(?P<rest>(?: [^\s|&;`\\#]+)*)")
_SCRIPT = re.compile(r"(?:^|\s)python3? (?P<path>[\w/.-]+\.py)")
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
