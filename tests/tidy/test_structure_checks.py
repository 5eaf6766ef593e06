"""The structure checks find what they should, and nothing else."""

from tests.tidy.python_source import Source
from tests.tidy.structure_checks import broad_excepts, global_statements, hidden_imports, long_functions, long_module


def source(text: str) -> Source:
    return Source("smart_ai_router/core/x.py", text)


def function_of(lines: int) -> str:
    return "@decorated\ndef run():\n" + "    step()\n" * (lines - 1)


def test_a_function_of_60_lines_passes_and_one_of_61_does_not() -> None:
    assert long_functions(source(function_of(60))) == []
    assert long_functions(source(function_of(61))) == ["smart_ai_router/core/x.py:2: run has 61 lines (limit 60)"]


def test_methods_and_asynchronous_functions_are_measured_too() -> None:
    text = "class A:\n    async def run(self):\n        a()\n        b()\n"

    assert long_functions(source(text), lines_max=2) == ["smart_ai_router/core/x.py:2: run has 3 lines (limit 2)"]


def test_a_module_of_400_lines_passes_and_one_of_401_does_not() -> None:
    assert long_module(source("x = 1\n" * 400)) == []
    assert long_module(source("x = 1\n" * 401)) == ["smart_ai_router/core/x.py: 401 lines (limit 400)"]


def test_a_global_statement_is_found() -> None:
    text = "count = 0\ndef add():\n    global count\n    count += 1\n"

    assert global_statements(source(text)) == [
        "smart_ai_router/core/x.py:3: global count: give it to the one who needs it"
    ]


def test_an_import_inside_a_function_is_found_and_one_at_the_top_is_not() -> None:
    text = "import os\nif True:\n    import sys\ndef run():\n    from a import b\n    importlib.import_module('c')\n"

    assert hidden_imports(source(text)) == [
        "smart_ai_router/core/x.py:5: import inside a function: a cycle that was hidden",
        "smart_ai_router/core/x.py:6: importlib.import_module inside a function: a cycle that was hidden",
    ]


def test_catching_everything_is_found_in_each_of_its_spellings() -> None:
    text = (
        "try:\n    a()\nexcept Exception:\n    pass\n"
        "try:\n    a()\nexcept (ValueError, BaseException) as error:\n    log(error)\n"
        "try:\n    a()\nexcept:\n    pass\n"
    )

    assert broad_excepts(source(text)) == [
        "smart_ai_router/core/x.py:3: except Exception: catch what you can name",
        "smart_ai_router/core/x.py:7: except (ValueError, BaseException): catch what you can name",
        "smart_ai_router/core/x.py:11: except everything: catch what you can name",
    ]


def test_catching_by_name_or_to_clean_up_and_raise_again_passes() -> None:
    text = "try:\n    a()\nexcept ValueError:\n    pass\ntry:\n    a()\nexcept BaseException:\n    close()\n    raise\n"

    assert broad_excepts(source(text)) == []


def test_a_known_file_may_catch_everything() -> None:
    text = "try:\n    a()\nexcept Exception:\n    pass\n"

    assert broad_excepts(source(text), known=("smart_ai_router/core/x.py",)) == []
