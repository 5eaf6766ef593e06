"""The settings reference of the documentation, written from the table, so that it cannot differ from the program.

`python -m smart_ai_router.config.reference` brings docs/zh/configuration.md and docs/en/configuration.md up to date; a
test compares them.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from smart_ai_router.config.catalogue import KNOWN_PROVIDERS
from smart_ai_router.config.explain import value_text
from smart_ai_router.config.setting import REQUIRED, Setting
from smart_ai_router.config.table import SETTINGS

LANGUAGES: Final = ("zh", "en")
_BEGIN: Final = "<!-- {}: begin (generated) -->"
_END: Final = "<!-- {}: end -->"
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "zh": {
        "settings": "| 键 | 类型 | 默认 | 含义 |",
        "providers": "| 名称 | 提供商 | 环境变量 | 默认模型 |",
        "required": "必填",
        "restart": "重启后生效。",
        "idle": "**在此无作用**：",
        "none": "—",
        "joint": "",
    },
    "en": {
        "settings": "| Key | Type | Default | Meaning |",
        "providers": "| Name | Provider | Variables | Default models |",
        "required": "required",
        "restart": "Takes effect at the next start.",
        "idle": "**No effect here**: ",
        "none": "—",
        "joint": " ",
    },
}


def settings_reference(language: str) -> str:
    """One table for each section, in Markdown."""
    words = _WORDS[language]
    parts = []
    for section in dict.fromkeys(_section(setting) for setting in SETTINGS):
        rows = [_row(setting, language) for setting in SETTINGS if _section(setting) == section]
        parts.append("\n".join((f"### {section}", "", words["settings"], "|---|---|---|---|", *rows)))
    return "\n\n".join(parts)


def providers_reference(language: str) -> str:
    """The built-in catalogue, in Markdown."""
    words = _WORDS[language]
    rows = (
        f"| `{known.id}` | {known.display_name} | {_codes(known.variables) or words['none']} |"
        f" {_codes(known.models) or words['none']} |"
        for known in KNOWN_PROVIDERS.values()
    )
    return "\n".join((words["providers"], "|---|---|---|---|", *rows))


def with_reference(document: str, language: str) -> str:
    """The page with its generated parts as they should be."""
    page = _replaced(document, "settings", settings_reference(language))
    return _replaced(page, "providers", providers_reference(language))


def write_reference(directory: Path) -> tuple[Path, ...]:
    """Bring the pages below a documentation directory up to date; returns those that changed."""
    changed = []
    for language in LANGUAGES:
        path = directory / language / "configuration.md"
        document = path.read_text(encoding="utf-8")
        page = with_reference(document, language)
        if page != document:
            path.write_text(page, encoding="utf-8")
            changed.append(path)
    return tuple(changed)


def _section(setting: Setting) -> str:
    return setting.segments[0]


def _row(setting: Setting, language: str) -> str:
    words = _WORDS[language]
    meaning = [setting.zh if language == "zh" else setting.en]
    if setting.restart:
        meaning.append(words["restart"])
    if setting.idle is not None:
        reason = setting.idle.zh if language == "zh" else setting.idle.en
        meaning.append(f"{words['idle']}{reason}{'。' if language == 'zh' else '.'}")
    default = words["required"] if setting.default is REQUIRED else _default(setting)
    unit = f" ({setting.unit})" if setting.unit else ""
    return f"| `{setting.name}` | {setting.kind.words}{unit} | {default} | {words['joint'].join(meaning)} |"


def _default(setting: Setting) -> str:
    text = value_text(setting.default)
    return f"`{text}`" if text and text != "[]" else ""


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _replaced(document: str, name: str, content: str) -> str:
    begin, end = _BEGIN.format(name), _END.format(name)
    head, found, rest = document.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no part between {begin} and {end}")
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs"))
