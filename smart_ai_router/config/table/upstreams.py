"""Rows that providers and channels share."""

from collections.abc import Mapping
from typing import Final

from smart_ai_router.config.kinds import Amount, Currency, Integer, ListOf, Number, Text
from smart_ai_router.config.setting import Setting, Words
from smart_ai_router.domain.meters import Meter

# The words for meters in a price list are the meters' own names without their unit.
PRICE_WORDS: Final[Mapping[str, Meter]] = {meter.value.removesuffix("_token"): meter for meter in Meter}

ID: Final = Text(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}", "takes letters, digits and . _ : @ - only")
TAGS: Final = ListOf(Text(r"[^,!\s][^,]*", "is not a tag: tags hold no comma and do not begin with !"))
_SECONDS: Final = Number(0.001, 86_400.0)
REGION: Final = Text(r"[a-z0-9][a-z0-9-]{0,31}", "takes small letters, digits and -, such as cn or intl")


def timeout_settings(owner: str, whose: Words) -> tuple[Setting, ...]:
    """The rows of `<owner>.timeouts`; `whose` opens the words that name the default."""
    rows = (
        ("connect", "建立连接", "to connect", "10"),
        ("first_byte", "开始应答", "for the first byte of an answer", "server.request_timeout"),
        ("idle", "应答开始后两次数据之间", "between two reads of an answer that has begun", "120"),
        ("total", "整个调用", "for the whole call", "1800"),
    )
    return tuple(
        Setting(
            f"{owner}.timeouts.{name}",
            _SECONDS,
            None,
            unit="s",
            zh=f"{zh}的时限；{whose.zh}{default}。",
            en=f"The longest time {en}; {whose.en}{default} when not given.",
        )
        for name, zh, en, default in rows
    )


def price_settings(owner: str, en_owner: str, zh_owner: str) -> tuple[Setting, ...]:
    """The rows of `<owner>.prices.{model}`, one for each meter."""
    meters = tuple(
        Setting(
            f"{owner}.prices.{{model}}.{word}",
            Amount(),
            None,
            zh=f"{meter.value} 的价格，精确十进制。",
            en=f"The price of {meter.value}, an exact decimal.",
        )
        for word, meter in PRICE_WORDS.items()
    )
    return (
        Setting(
            f"{owner}.prices.{{model}}.currency",
            Currency(),
            None,
            zh=f"这些价格的币种；默认取{zh_owner}的 currency。",
            en=f"The currency of these prices; the {en_owner}'s currency when not given.",
        ),
        Setting(
            f"{owner}.prices.{{model}}.per",
            Integer(1, 10**12),
            None,
            zh="价格对应多少单位；默认：token 为每 1000000，其他为每 1。",
            en="How many units the price is for; when not given, 1000000 for tokens and 1 for anything else.",
        ),
        *meters,
    )
