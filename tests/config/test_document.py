"""YAML in, positioned leaves out: exact text, bounded work, nothing constructed."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_ai_router.config.document import DEPTH_MAX, FILE_BYTES_MAX, parse_document, parse_value
from smart_ai_router.config.loading import load_document, read_file
from smart_ai_router.config.problems import ConfigurationInvalid, Problem
from smart_ai_router.config.tree import Branch, Items, Leaf, Origin, Tree
from tests.config.reading import FILE, problems


def parse(text: str) -> tuple[Branch, list[Problem]]:
    found: list[Problem] = []
    return parse_document(text.encode(), "f.yaml", found), found


def plain(tree: Tree) -> object:
    if isinstance(tree, Branch):
        return {key: plain(value) for key, value in tree.entries.items()}
    if isinstance(tree, Items):
        return [plain(item) for item in tree.items]
    return tree.text


@pytest.mark.parametrize(
    "text",
    ["0.1", "1e-7", "1.1428571428571428e-06", "0.30000000000000000000000000001", "010", "12:30", "no", "2026-01-01"],
)
def test_a_value_keeps_the_text_it_was_written_in(text: str):
    tree, _ = parse(f"a: {text}")

    assert plain(tree) == {"a": text}


def test_a_leaf_and_a_key_know_their_line_and_column():
    tree, _ = parse("server:\n  port: 7601\n")

    server = tree.entries["server"]
    assert isinstance(server, Branch)
    assert server.entries["port"] == Leaf("7601", Origin("file", "f.yaml", 2, 9))
    assert server.keys["port"] == Origin("file", "f.yaml", 2, 3)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "~"])
def test_an_empty_file_is_an_empty_configuration(text: str):
    assert plain(parse(text)[0]) == {}


@pytest.mark.parametrize(
    ("text", "value"), [("a:", None), ("a: ~", None), ("a: null", None), ('a: ""', ""), ('a: "null"', "null")]
)
def test_null_is_not_given_and_a_quoted_word_is_text(text: str, value: str | None):
    assert plain(parse(text)[0]) == {"a": value}


def test_anchors_and_merge_keys_are_read():
    tree, found = parse("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [{z: 0}, *b]}\nthree: *b\n")

    assert plain(tree) == {
        "base": {"x": "1", "y": "2"},
        "one": {"y": "3", "x": "1"},
        "two": {"z": "0", "x": "1", "y": "2"},
        "three": {"x": "1", "y": "2"},
    }
    assert found == []


def test_a_key_that_stands_twice_is_an_error_at_the_second_place():
    _, found = parse("a:\n  b: 1\n  c: 2\n  b: 3\n")

    assert [str(problem) for problem in found] == [
        "f.yaml:4:3: a.b: stands twice; the first is at line 2 (remove one of the two)"
    ]


def test_duplicate_keys_are_told_together_with_everything_else():
    told = problems("server: {port: 1, port: x}\nserver_: {}\n")

    assert [line.split(": ", 1)[1].split(" (")[0] for line in told] == [
        "server.port: stands twice; the first is at line 1",
        "server_: is not a setting",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "not readable as YAML"),
        ("a: b: c", "not readable as YAML"),
        ("\ta: 1", "not readable as YAML"),
        ("- 1", "must hold a mapping"),
        ("just words", "must hold a mapping"),
        ("a: 1\n---\nb: 2", "not readable as YAML"),
        ("a: *missing", "not readable as YAML"),
        ("a: \x07", "U+0007"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_place(text: str, words: str):
    with pytest.raises(ConfigurationInvalid, match=r"f\.yaml:[0-9]+:[0-9]+: ") as caught:
        parse(text)

    assert words in str(caught.value)


def test_a_file_that_is_not_utf_8_is_refused_and_a_byte_order_mark_is_not():
    with pytest.raises(ConfigurationInvalid, match=r"f\.yaml:2: byte 4 is not UTF-8"):
        parse_document(b"a:\n \xff", "f.yaml", [])

    assert plain(parse_document("\ufeffa: 1".encode(), "f.yaml", [])) == {"a": "1"}


@pytest.mark.parametrize("value", ["!!python/object/apply:os.system [ls]", "!secret x", "!!binary aGk=", "!!set {a}"])
def test_tags_make_nothing(value: str):
    _, found = parse(f"a: {value}")

    assert len(found) == 1
    assert "is not read here" in found[0].message


def test_a_mapping_as_a_key_is_refused():
    _, found = parse("? {a: 1}\n: 2\n")

    assert [problem.message for problem in found] == ["a key must be a word"]


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a: " + "[" * 5000, "{a: " * 5000, "- " * 5000 + "x", "a: &a [*a]", "a: &a {b: *a}"]
)
def test_deep_nesting_is_refused_before_it_costs_anything(text: str):
    started = time.process_time()

    with pytest.raises(ConfigurationInvalid):
        parse(text)

    assert time.process_time() - started < 2


def test_the_deepest_nesting_that_is_read():
    deep = DEPTH_MAX - 2  # the document's mapping, and its value

    parse(f"a: {'[' * deep}x{']' * deep}")
    with pytest.raises(ConfigurationInvalid, match="nested more than 24 deep"):
        parse(f"a: {'[' * (deep + 1)}x{']' * (deep + 1)}")


def test_a_few_lines_of_nested_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    started = time.process_time()

    with pytest.raises(ConfigurationInvalid, match="more than 100,000 values once aliases are expanded"):
        parse("\n".join(lines))

    assert time.process_time() - started < 5


def test_a_file_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (FILE_BYTES_MAX + 1))

    with pytest.raises(
        ConfigurationInvalid, match="the file has 1,048,577 bytes; a configuration has at most 1,048,576"
    ):
        read_file(path)
    with pytest.raises(ConfigurationInvalid, match="at most"):
        parse_document(b"#" * (FILE_BYTES_MAX + 1), "f.yaml", [])
    assert plain(parse_document(b"#" * FILE_BYTES_MAX, "f.yaml", [])) == {}


def test_a_syntax_error_does_not_show_the_line_it_stands_in():
    with pytest.raises(ConfigurationInvalid) as caught:
        parse("api_key: sk-very-secret: [\n")

    assert "very-secret" not in str(caught.value)


def test_a_value_from_outside_the_file_has_the_place_it_came_from():
    origin = Origin("environment", "SMART_AI_ROUTER__X")

    assert plain(parse_value("[{a: 1}, b]", origin)) == [{"a": "1"}, "b"]
    with pytest.raises(ConfigurationInvalid, match="environment SMART_AI_ROUTER__X: not readable"):
        parse_value("[", origin)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ab:[]{},&*!<-?|>'\"\n #0.$", max_size=120).map(str.encode)))
def test_any_bytes_are_a_configuration_or_a_told_problem(data: bytes):
    told: tuple[Problem, ...] | None = None
    try:
        load_document(data, FILE, {})
    except ConfigurationInvalid as error:
        told = error.problems

    assert told is None or len(told) > 0
