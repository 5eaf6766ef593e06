"""The checks beside this file, applied to the repository. A finding names its place and what to do."""

import importlib.metadata
import json
import os
import tomllib

import click
from click.testing import CliRunner

from smart_ai_router.api.openai import ENDPOINTS
from smart_ai_router.cli import root
from smart_ai_router.cli.openapi import openapi
from smart_ai_router.config.table import SETTINGS
from tests.tidy.dependency_checks import (
    declared_name,
    lock_faults,
    pins,
    pins_that_differ,
    start_hooks,
    undeclared_imports,
)
from tests.tidy.documentation_checks import (
    dead_anchors,
    dead_paths,
    scripts,
    unknown_routes,
    unknown_settings,
    unknown_variables,
    wrong_commands,
)
from tests.tidy.exceptions import BROAD_EXCEPTS, HIDDEN_IMPORTS, IMPURE_READS
from tests.tidy.naming_checks import closed_room, empty_names, folders_without_init, untested_modules
from tests.tidy.purity_checks import floats_near_money, impure_reads
from tests.tidy.python_source import ROOT, project_files, sources, texts
from tests.tidy.structure_checks import broad_excepts, global_statements, hidden_imports, long_functions, long_module
from tests.tidy.text_checks import foreign_words, waiting_and_patching

VARIABLES = ("SMART_AI_ROUTER_ADMIN_TOKEN", "SMART_AI_ROUTER_CONFIG")
GATEWAY_ROUTES = {
    "GET /console",
    "GET /", "GET /v1", "GET /v1/models", "GET /v1/models/{name}", "GET /health", "GET /ready", "GET /docs",
    "GET /openapi.json",
}  # fmt: skip
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock", "requirements-node.lock")


def show(findings: list[str]) -> str:
    return "\n" + "\n".join(findings)


def test_no_function_is_longer_than_a_screen() -> None:
    findings = [finding for source in sources() for finding in long_functions(source)]

    assert not findings, show(findings)


def test_no_module_is_longer_than_its_subject() -> None:
    findings = [finding for source in sources() for finding in long_module(source)]

    assert not findings, show(findings)


def test_nothing_is_rebound_through_a_global_statement() -> None:
    findings = [finding for source in sources() for finding in global_statements(source)]

    assert not findings, show(findings)


def test_every_import_stands_at_the_top() -> None:
    findings = [finding for s in sources() if s.path not in HIDDEN_IMPORTS for finding in hidden_imports(s)]

    assert not findings, show(findings)


def test_nothing_is_swallowed_outside_the_files_that_are_known_for_a_reason() -> None:
    product = sources("smart_ai_router/", "bootstrap/", "scripts/", "main.py", "test.py")

    findings = [finding for source in product for finding in broad_excepts(source, BROAD_EXCEPTS)]

    assert not findings, show(findings)


def test_every_exception_from_the_checks_is_still_needed() -> None:
    by_path = {source.path: source for source in sources()}

    unneeded = [path for path in BROAD_EXCEPTS if path not in by_path or not broad_excepts(by_path[path])]
    unneeded += [path for path in IMPURE_READS if path not in by_path or not impure_reads(by_path[path])]
    unneeded += [path for path in HIDDEN_IMPORTS if path not in by_path or not hidden_imports(by_path[path])]

    assert not unneeded, show(unneeded)


def test_only_the_edge_rooms_read_clock_chance_and_environment() -> None:
    pure = [source for source in sources("smart_ai_router/") if source.path not in IMPURE_READS]

    findings = [finding for source in pure for finding in impure_reads(source)]

    assert not findings, show(findings)


def test_no_float_comes_near_money() -> None:
    findings = [finding for source in sources("smart_ai_router/") for finding in floats_near_money(source)]

    assert not findings, show(findings)


def test_every_name_says_something() -> None:
    findings = [finding for source in sources() for finding in empty_names(source)]

    assert not findings, show(findings)


def test_the_guides_folder_holds_its_two_files() -> None:
    findings = closed_room(project_files())

    assert not findings, show(findings)


def test_every_folder_of_a_package_is_seen_by_the_linters() -> None:
    findings = folders_without_init(project_files())

    assert not findings, show(findings)


def test_every_module_of_domain_and_core_has_a_test_file_of_its_name() -> None:
    findings = untested_modules(sources("smart_ai_router/"), project_files())

    assert not findings, show(findings)


def test_no_file_names_a_machine_a_registry_or_unfinished_work() -> None:
    findings = [finding for path, text in texts() for finding in foreign_words(path, text)]

    assert not findings, show(findings)


def test_no_test_waits_or_patches_by_path() -> None:
    findings = [finding for source in sources("tests/") for finding in waiting_and_patching(source)]

    assert not findings, show(findings)


def test_every_path_that_a_page_names_exists() -> None:
    pages = [(path, text) for path, text in texts() if path.endswith(".md")]

    findings = [finding for path, text in pages for finding in dead_paths(path, text, project_files())]
    findings += [f"{path}: runs {name}" for path, text in pages for name in scripts(text) if not (ROOT / name).exists()]

    assert not findings, show(findings)


def test_every_command_that_a_page_names_is_understood() -> None:
    pages = [(path, text) for path, text in texts() if path.endswith(".md")]

    findings = [finding for path, text in pages for finding in wrong_commands(path, text, refusal)]

    assert not findings, show(findings)


def test_every_heading_that_a_page_links_to_exists() -> None:
    pages = {path: text for path, text in texts() if path.endswith(".md")}

    findings = [finding for path, text in pages.items() for finding in dead_anchors(path, text, pages)]

    assert not findings, show(findings)


def test_every_route_setting_and_variable_that_a_page_names_exists() -> None:
    pages = [(path, text) for path, text in texts() if path.endswith(".md")]
    settings = [setting.name for setting in SETTINGS]

    findings = [finding for path, text in pages for finding in unknown_routes(path, text, routes())]
    findings += [finding for path, text in pages for finding in unknown_settings(path, text, settings)]
    findings += [
        finding for path, text in pages for finding in unknown_variables(path, text, VARIABLES, names_a_setting)
    ]

    assert not findings, show(findings)


def routes() -> set[str]:
    """Everything that is answered: by the gateway itself, and by the control plane behind it."""
    described = json.loads(CliRunner().invoke(openapi).stdout)["paths"]
    control = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    return control | {f"POST {path}" for path in ENDPOINTS} | GATEWAY_ROUTES


def names_a_setting(words: list[str]) -> bool:
    """True for the words of SMART_AI_ROUTER__SECTION__KEY; a name of the operator's own may stand for [] and {word}."""
    for setting in SETTINGS:
        wanted = setting.name.replace("[]", ".[]").split(".")
        if len(wanted) == len(words) and all(
            mine == theirs or mine[0] in "[{" for mine, theirs in zip(wanted, words, strict=True)
        ):
            return True
    return words == ["<section>", "<key>"]


def refusal(words: list[str]) -> str | None:
    """Why the command line does not know these words; None when it does. Nothing is run."""
    command: click.Command = root
    if {"--help", "-h", "--version"}.intersection(words):
        words = [word for word in words if not word.startswith("-")] or ["serve"]
    elif not words or words[0].startswith("-"):
        words = ["serve", *words]
    while isinstance(command, click.Group):
        if not words:
            return None
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"no such command: {words[0]}"
        command, words = found, words[1:]
    try:
        command.make_context(command.name, list(words))
    except click.NoSuchOption as error:
        return error.format_message()
    except click.UsageError:
        return None  # a page may leave a value or a file to the reader
    return None


def test_locks_hold_versions_with_hashes_and_nothing_else() -> None:
    findings = [fault for name in LOCKS for fault in lock_faults(name, (ROOT / name).read_text())]

    assert not findings, show(findings)


def test_what_is_tested_is_what_runs() -> None:
    core, dev = (pins((ROOT / name).read_text()) for name in LOCKS[:2])

    findings = pins_that_differ(core, dev)

    assert not findings, show(findings)


def test_every_declared_dependency_is_locked_and_every_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {declared_name(text) for text in project["dependencies"]}
    optional = {declared_name(text) for group in project["optional-dependencies"].values() for text in group}

    missing = sorted(required - set(pins((ROOT / "requirements.lock").read_text())))
    undeclared = undeclared_imports(
        sources("smart_ai_router/"), required | optional, importlib.metadata.packages_distributions()
    )

    assert not missing
    assert not undeclared, show(undeclared)


def test_no_runtime_dependency_runs_code_at_every_interpreter_start() -> None:
    files = {}
    for name in pins((ROOT / "requirements.lock").read_text()):
        try:
            installed = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # locked for another platform
        files[name] = [str(path) for path in installed]

    assert len(files) > len(LOCKS), "the runtime dependencies are not installed here"
    findings = start_hooks(files)
    assert not findings, show(findings)


def test_the_check_of_the_repository_can_be_run_by_anyone() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
