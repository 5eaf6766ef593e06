"""Settings of providers."""

from collections.abc import Mapping
from typing import Final

from smart_ai_router.config.address_kinds import ProxyUrl, Url
from smart_ai_router.config.kinds import Boolean, Choice, Currency, Integer, ListOf, MapOf, Secret, Text
from smart_ai_router.config.setting import Setting, Words
from smart_ai_router.config.table.upstreams import ID, REGION, TAGS, price_settings, timeout_settings

# Adapter classes of the reference project, and the dialect that speaks to the same endpoint.
ADAPTER_DIALECTS: Final[Mapping[str, str]] = {
    "OpenAIAdapter": "openai",
    "GroqAdapter": "openai",
    "OpenRouterAdapter": "openai",
    "SiliconFlowAdapter": "openai",
    "TuZiAdapter": "openai",
    "BurnHairAdapter": "openai",
    "AnthropicAdapter": "anthropic",
    "GeminiAdapter": "gemini",
}

_TEXT: Final = Text()

PROVIDER_SETTINGS: Final = (
    Setting("providers.{id}.name", _TEXT, "", zh="没有 display_name 时的显示名称。", en="Shown if no display_name."),
    Setting("providers.{id}.display_name", _TEXT, "", zh="显示名称。", en="The name that is shown."),
    Setting(
        "providers.{id}.adapter_class",
        Choice(tuple(ADAPTER_DIALECTS)),
        None,
        zh="参考项目的适配器类；等同于 dialect。",
        en="The reference project's adapter class; the same as a dialect.",
    ),
    Setting(
        "providers.{id}.dialect",
        Choice(("openai", "anthropic", "gemini")),
        None,
        zh="接口方言；默认取内置目录，否则 openai。",
        en="The interface it speaks; what the built-in catalogue knows, else openai.",
    ),
    Setting(
        "providers.{id}.base_url",
        ListOf(Url()),
        (),
        zh="接口地址；内置目录里的提供商可以不写。没有版本段（如 /v1）时自动补 /v1。多个地址依次作为后备渠道。",
        en="The address; may be left out for providers of the built-in catalogue. /v1 is added where the path names no "
        "version. Several addresses make fallback channels in their order.",
    ),
    Setting(
        "providers.{id}.auth_type",
        Choice(("bearer", "x-api-key", "none")),
        None,
        zh="密钥放在哪个请求头。",
        en="How the key is sent.",
    ),
    Setting("providers.{id}.enabled", Boolean(), True, zh="是否使用。", en="Whether it is used."),
    Setting(
        "providers.{id}.region",
        REGION,
        None,
        zh="区域，如 cn、intl；决定适用的价格。",
        en="The region, such as cn or intl; decides which prices apply.",
    ),
    Setting(
        "providers.{id}.currency",
        Currency(),
        None,
        zh="prices 的默认币种；默认取内置目录，否则 USD。",
        en="The currency of prices that name none; what the built-in catalogue knows, else USD.",
    ),
    Setting(
        "providers.{id}.priced_as",
        ID,
        None,
        zh="按另一提供商的价目表计价（转售商适用）。",
        en="Another provider whose price list applies, for resellers.",
    ),
    Setting(
        "providers.{id}.rate_limit",
        Integer(1, 10_000_000),
        None,
        unit="calls/min",
        zh="每个渠道每分钟调用上限。",
        en="The most calls a minute on each of its channels.",
    ),
    Setting(
        "providers.{id}.capabilities",
        TAGS,
        (),
        zh="能力；成为其渠道的标签，可用 tag:vision 之类查询。",
        en="Capabilities; they become tags of its channels, so that tag:vision finds them.",
    ),
    Setting("providers.{id}.proxy", ProxyUrl(), None, zh="HTTP CONNECT 代理。", en="An HTTP CONNECT proxy."),
    Setting("providers.{id}.tls_verify", Boolean(), True, zh="是否校验证书。", en="Whether certificates are verified."),
    Setting(
        "providers.{id}.headers", MapOf(Secret(), is_headers=True), (), zh="附加请求头。", en="Extra request headers."
    ),
    *timeout_settings("providers.{id}", Words("默认 ", "")),
    *price_settings("providers.{id}", "provider", "提供商"),
)
