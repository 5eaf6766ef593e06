"""The query language of the model field, row by row of its table, and both sides of every size."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.errors import AutoQueryUnsupported, Refusal, TagQueryInvalid
from smart_ai_router.domain.tag_queries import ITEMS_MAX, MODEL_FIELD_LENGTH_MAX, TagQuery, parse_tag_query

TAG = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789.-_", min_size=1, max_size=12)


def query(text: str) -> TagQuery:
    parsed = parse_tag_query(text)
    assert parsed is not None, f"{text} was taken for a model name"
    return parsed


def model(
    parameters: int | None = None, context: int | None = None, output: int | None = None, name: str = "m"
) -> ChannelModel:
    return ChannelModel(name, name, parameter_count=parameters, context_tokens=context, output_tokens_max=output)


@pytest.mark.parametrize(
    ("text", "positives", "negatives"),
    [
        ("tag:free", ("free",), ()),
        ("tag:free,qwen3,!local", ("free", "qwen3"), ("local",)),
        ("TAG: Free , QWEN3 ,! Local ", ("free", "qwen3"), ("local",)),
        ("tags:free", ("free",), ()),
        ("free,qwen3", ("free", "qwen3"), ()),
        ("!local,free", ("free",), ("local",)),
        ("tag:!free", (), ("free",)),
        ("tag:gpt-4o-mini", ("gpt-4o-mini",), ()),
        ("tag:free,,free,", ("free",), ()),
        ("  tag:free  ", ("free",), ()),
        ("tag:免费", ("免费",), ()),
    ],
)
def test_tags_are_read(text: str, positives: tuple[str, ...], negatives: tuple[str, ...]) -> None:
    assert query(text) == TagQuery(positives, negatives)


@pytest.mark.parametrize(
    "text", ["gpt-4o-mini", "claude-3-haiku", "qwen/qwen3-30b-a3b:free", ">20b", "", "tag", "!free"]
)
def test_everything_else_is_a_model_name(text: str) -> None:
    assert parse_tag_query(text) is None


@pytest.mark.parametrize("text", ["tag:", "tags:", "TAG:  ", "tag:,", ",", "tag: , ,"])
def test_a_query_that_asks_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(TagQueryInvalid, match="asks for nothing") as caught:
        parse_tag_query(text)

    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "tag_query_invalid", "model")


@pytest.mark.parametrize("text", ["tag:!", "tag:free,!", "tag:! ,free"])
def test_an_exclamation_mark_alone_is_refused(text: str) -> None:
    with pytest.raises(TagQueryInvalid, match="nothing stands after '!'"):
        parse_tag_query(text)


@pytest.mark.parametrize("text", ["tag:!>20b", "tag:!!free", "tag:! <3b"])
def test_a_negated_comparison_is_refused(text: str) -> None:
    with pytest.raises(TagQueryInvalid, match="turn the comparison round"):
        parse_tag_query(text)


@pytest.mark.parametrize(
    "text",
    [
        "tag:>",
        "tag:>20",
        "tag:>20x",
        "tag:>b",
        "tag:>-5b",
        "tag:>1e9b",
        "tag:>20b30",
        "tag:>1.b",
        "tag:=>20b",
        "tag:>20kii",
    ],
)
def test_a_size_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(TagQueryInvalid, match=r"for example tag:qwen3,>20b"):
        parse_tag_query(text)


@pytest.mark.parametrize("text", ["auto:x", "AUTO:free", " auto: "])
def test_auto_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(AutoQueryUnsupported, match="tag:free") as caught:
        parse_tag_query(text)

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("size", "fits", "misses"),
    [
        (">20b", 20_000_000_001, 20_000_000_000),
        (">=20b", 20_000_000_000, 19_999_999_999),
        ("<20b", 19_999_999_999, 20_000_000_000),
        ("<=20b", 20_000_000_000, 20_000_000_001),
        ("=20b", 20_000_000_000, 20_000_000_001),
        (">1.5b", 1_500_000_001, 1_500_000_000),
        ("<500m", 499_999_999, 500_000_000),
        (">=10k", 10_000, 9_999),
        ("> 20 B", 20_000_000_001, 20_000_000_000),
    ],
)
def test_a_parameter_size_has_a_sharp_edge(size: str, fits: int, misses: int) -> None:
    (condition,) = query(f"tag:{size}").sizes

    assert condition.admits(model(parameters=fits))
    assert not condition.admits(model(parameters=misses))
    assert not condition.admits(model(parameters=None))


@pytest.mark.parametrize(
    ("size", "fits", "misses"),
    [
        (">=128ki", 128_000, 127_999),
        (">=128ki", 131_072, 130_048),  # a binary size is compared with the binary bound
        ("=128ki", 131_072, 131_073),
        ("=128ki", 128_000, 128_001),
        (">128ki", 132_096, 131_072),
        ("<=32ki", 32_768, 33_792),
        (">=1mi", 1_048_576, 999_999),
        (">=1mi", 1_000_000, 1_047_552),
        (">8192i", 8_193, 8_192),
    ],
)
def test_a_context_size_means_what_people_call_it(size: str, fits: int, misses: int) -> None:
    (condition,) = query(f"tag:{size}").sizes

    assert condition.admits(model(context=fits))
    assert not condition.admits(model(context=misses))
    assert not condition.admits(model(output=fits, parameters=fits))


@pytest.mark.parametrize(
    ("size", "fits", "misses"), [(">=8ko", 8_192, 4_096), ("<1mo", 999_999, 1_000_000), ("=100o", 100, 99)]
)
def test_an_output_size_is_compared_with_the_output(size: str, fits: int, misses: int) -> None:
    (condition,) = query(f"tag:{size}").sizes

    assert condition.admits(model(output=fits))
    assert not condition.admits(model(output=misses))
    assert not condition.admits(model(context=fits))


@pytest.mark.parametrize("operator", [">", "<", ">=", "<=", "="])
def test_a_name_may_be_compared_with_a_size(operator: str) -> None:
    parsed = query(f"qwen3-{operator}20b")

    assert parsed.name_prefixes == ("qwen3",)
    assert [size.operator for size in parsed.sizes] == [operator]
    assert query(f"tag:free,Qwen3-{operator}20b").name_prefixes == ("qwen3",)


def test_a_size_alone_and_a_size_beside_tags_are_queries() -> None:
    assert [size.text for size in query("tag:>20b").sizes] == [">20b"]
    mixed = query("tag:qwen3,>20b,<=128ki,!local")
    assert (mixed.positives, mixed.negatives) == (("qwen3",), ("local",))
    assert [size.text for size in mixed.sizes] == [">20b", "<=128ki"]


def test_the_explanation_of_a_size_names_what_the_model_has() -> None:
    (condition,) = query("tag:>20b").sizes

    assert condition.refusal(model(parameters=7)) == "size filter >20b: parameters 7"
    assert condition.refusal(model()) == "size filter >20b: parameters unknown"


def test_length_and_number_of_items_are_limited() -> None:
    longest = "a" * MODEL_FIELD_LENGTH_MAX
    assert parse_tag_query(longest) is None
    with pytest.raises(TagQueryInvalid, match="401 characters"):
        parse_tag_query(longest + "a")
    assert len(query("tag:" + ",".join(f"t{n}" for n in range(ITEMS_MAX))).positives) == ITEMS_MAX
    with pytest.raises(TagQueryInvalid, match="41 items"):
        parse_tag_query("tag:" + "," * ITEMS_MAX)


@pytest.mark.parametrize(
    "text", ["tag:" + "a-" * 50_000, "," * 100_000, "a->" * 33_000, "tag:>" + " " * 100_000, "a" * 100_000]
)
def test_a_hundred_kilobytes_are_refused_at_once(text: str) -> None:
    started = time.process_time()

    with pytest.raises(TagQueryInvalid):
        parse_tag_query(text)

    assert time.process_time() - started < 0.01


@given(st.text(max_size=MODEL_FIELD_LENGTH_MAX + 10))
def test_any_text_is_a_name_a_query_or_refused(text: str) -> None:
    refusal = None
    parsed = None
    try:
        parsed = parse_tag_query(text)
    except Refusal as caught:
        refusal = caught

    if refusal is not None:
        assert refusal.status == 400
        assert refusal.message.encode()  # printable whatever was asked
    assert parsed != TagQuery()


@given(st.lists(TAG, min_size=1, max_size=6), st.lists(TAG, max_size=6), st.sampled_from(["tag:", "tags:", "TAG:"]))
def test_what_is_written_is_what_is_read(positives: list[str], negatives: list[str], prefix: str) -> None:
    text = prefix + ",".join([*positives, *(f"!{tag}" for tag in negatives)])

    parsed = query(text)

    assert parsed.positives == tuple(dict.fromkeys(positives))
    assert parsed.negatives == tuple(dict.fromkeys(negatives))


@given(st.integers(0, 999), st.sampled_from([">", "<", ">=", "<=", "="]), st.sampled_from(["b", "m", "k"]))
def test_sizes_agree_with_plain_arithmetic(number: int, operator: str, unit: str) -> None:
    (condition,) = query(f"tag:{operator}{number}{unit}").sizes
    bound = number * {"b": 10**9, "m": 10**6, "k": 10**3}[unit]

    for size in (bound - 1, bound, bound + 1):
        expected = {">": size > bound, "<": size < bound, ">=": size >= bound, "<=": size <= bound, "=": size == bound}[
            operator
        ]
        assert condition.admits(model(parameters=size)) is expected
