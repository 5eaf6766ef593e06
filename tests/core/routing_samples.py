"""A small catalogue for tests of the routing table."""

from smart_ai_router.core.routing_table import Candidate, RoutingTable
from smart_ai_router.core.snapshot import RoutingPolicy, Snapshot
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.money import Pico, parse_pico
from smart_ai_router.domain.tags import parameter_count

NO_MONEY = "资费不足，暂不可用"
PRICES = {"gpt-4o": "5", "gpt-4o-mini": "0.3"}


def model(name: str, kind: str = "chat", context: int | None = None) -> ChannelModel:
    return ChannelModel(name, name, parameter_count=parameter_count(name), context_tokens=context, kind=kind)


def channel(
    name: str,
    *models: ChannelModel,
    provider: str = "openai",
    tags: tuple[str, ...] = (),
    enabled: bool = True,
    is_demo: bool = False,
    priority: int = 100,
    is_local: bool = False,
) -> Channel:
    return Channel(
        id=f"id-{name}",
        name=name,
        provider_id=provider,
        dialect="openai",
        base_url="https://x.example",
        api_key="k",
        models=models,
        tags=tags,
        enabled=enabled,
        is_demo=is_demo,
        priority=priority,
        is_local=is_local,
    )


def price(_channel: Channel, of: ChannelModel) -> tuple[Pico | None, Pico | None]:
    if of.name.endswith(":free"):
        return 0, 0
    known = PRICES.get(of.name)
    return (None, None) if known is None else (parse_pico(known), parse_pico(known))


CHANNELS = (
    channel("OpenAI", model("gpt-4o"), model("gpt-4o-mini"), model("text-embedding-3-small", "embedding")),
    channel(
        "OpenRouter",
        model("qwen/qwen3-30b-a3b:free", context=131_072),
        model("qwen/qwen3-8b:free", context=32_768),
        model("anthropic/claude-3-haiku-20240307:free"),
        model("openai/gpt-4o-mini"),
        provider="openrouter",
    ),
    channel("Ollama", model("qwen3:8b"), provider="ollama", tags=("local", "Free"), is_local=True),
)


def table(*channels: Channel, policy: RoutingPolicy = RoutingPolicy(), **more: object) -> RoutingTable:  # noqa: B008  # frozen
    snapshot = Snapshot(1, 0.0, channels=channels or CHANNELS, routing=policy, **more)  # type: ignore[arg-type]
    return RoutingTable(snapshot, price)


def names(candidates: tuple[Candidate, ...]) -> set[str]:
    return {f"{each.channel.name}/{each.model.name}" for each in candidates}


HAIKU = "OpenRouter/anthropic/claude-3-haiku-20240307:free"
QWEN_30B = "OpenRouter/qwen/qwen3-30b-a3b:free"
QWEN_8B = "OpenRouter/qwen/qwen3-8b:free"
LOCAL = "Ollama/qwen3:8b"
