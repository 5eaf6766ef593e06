"""Settings of channels."""

from typing import Final

from smart_ai_router.config.address_kinds import ProxyUrl, Url
from smart_ai_router.config.kinds import Amount, Boolean, Choice, Currency, Integer, ListOf, MapOf, Number, Secret, Text
from smart_ai_router.config.setting import REQUIRED, Setting, Words
from smart_ai_router.config.table.upstreams import ID, REGION, TAGS, price_settings, timeout_settings

MODEL_KINDS: Final = ("chat", "embedding", "image", "audio", "video", "rerank", "moderation")

_TEXT: Final = Text()
_NAME: Final = Text(r"\S(.*\S)?", "takes a name")
_SCORE: Final = Number(0.0, 1.0)
_MEASURED: Final = Words("速度与可靠性由真实调用测得", "speed and reliability are measured from real calls")

_CHANNEL_IDENTITY: Final = (
    Setting(
        "channels[].id",
        ID,
        "",
        zh="渠道标识，如 ch_openai_001；不写则自动编号。",
        en="The channel's id, such as ch_openai_001; numbered when not given.",
    ),
    Setting("channels[].name", _TEXT, "", zh="显示名称。", en="The name that is shown."),
    Setting(
        "channels[].provider",
        ID,
        REQUIRED,
        zh="提供商：providers 中的键，或内置目录中的名字。",
        en="The provider: a key of providers, or a name of the built-in catalogue.",
    ),
    Setting(
        "channels[].api_key", Secret(), "", zh="上游密钥，建议写成 ${NAME}。", en="The upstream key; best as ${NAME}."
    ),
    Setting(
        "channels[].base_url",
        ListOf(Url()),
        (),
        zh="接口地址，优先于提供商的。",
        en="The address, instead of the provider's.",
    ),
    Setting("channels[].enabled", Boolean(), True, zh="是否使用。", en="Whether it is used."),
)

_CHANNEL_MODELS: Final = (
    Setting(
        "channels[].model_name",
        _NAME,
        "",
        zh="主要模型；cost_per_token 与 pricing 是它的价格。",
        en="The main model; cost_per_token and pricing are its prices.",
    ),
    Setting(
        "channels[].configured_models",
        ListOf(_NAME),
        (),
        zh="更多模型名。",
        en="More model names.",
    ),
    Setting(
        "channels[].models[].name",
        _NAME,
        REQUIRED,
        is_shorthand=True,
        zh="客户端使用的模型名；整项也可以只写模型名。都不写时用内置目录的默认模型。",
        en="The name that clients use; a plain name stands for the whole item. Without any model, the built-in "
        "catalogue's default models are taken.",
    ),
    Setting(
        "channels[].models[].upstream_name",
        _NAME,
        "",
        zh="上游的模型名；默认相同。",
        en="What the provider calls it; the same name if empty.",
    ),
    Setting(
        "channels[].models[].tags",
        TAGS,
        (),
        zh="附加标签；模型名里的词自动成为标签。",
        en="Tags beside those that the name gives by itself.",
    ),
    Setting(
        "channels[].models[].kind",
        Choice(MODEL_KINDS),
        None,
        zh="用途；默认从名称判断。",
        en="What it is for; judged by the name when not given.",
    ),
    Setting(
        "channels[].models[].context_length",
        Integer(1, 10**9),
        None,
        unit="tokens",
        zh="上下文长度。",
        en="The context length.",
    ),
    Setting(
        "channels[].models[].max_output",
        Integer(1, 10**9),
        None,
        unit="tokens",
        zh="最大输出；用于预估费用。",
        en="The longest output; used to estimate costs before a call.",
    ),
    Setting(
        "channels[].models[].parameters",
        Integer(1, 10**15),
        None,
        zh="参数数量；默认从名称判断（30b）。",
        en="The parameter count; judged by the name (30b) when not given.",
    ),
    Setting("channels[].models[].quality", _SCORE, None, zh="质量评分 0 至 1。", en="A quality between 0 and 1."),
    Setting(
        "channels[].model_aliases",
        MapOf(_NAME),
        (),
        zh="标准模型名: 本渠道的模型名。",
        en="Standard name: what this channel calls the model.",
    ),
    Setting("channels[].tags", TAGS, (), zh="渠道所有模型共有的标签。", en="Tags of all its models."),
    Setting(
        "channels[].capabilities",
        TAGS,
        (),
        zh="能力；与 tags 相同。",
        en="Capabilities; the same as tags.",
    ),
)

_CHANNEL_ROUTING: Final = (
    Setting("channels[].priority", Integer(0, 1_000_000), 100, zh="优先级，小者先用。", en="Smaller goes first."),
    Setting(
        "channels[].weight",
        Number(0.0, 1_000_000.0),
        1.0,
        zh="同等条件下的分流权重；0 表示只在没有别的选择时使用。",
        en="The share among equals; 0 is used only when nothing else is left.",
    ),
    Setting(
        "channels[].daily_limit",
        Integer(1, 10**12),
        None,
        unit="calls/day",
        zh="每天调用上限；不写则不限。",
        en="The most calls a day; no limit when not given.",
    ),
    Setting(
        "channels[].requests_per_minute",
        Integer(1, 10_000_000),
        None,
        unit="calls/min",
        zh="每分钟调用上限；默认取提供商的 rate_limit。",
        en="The most calls a minute; the provider's rate_limit when not given.",
    ),
    Setting("channels[].concurrency", Integer(1, 1_000_000), None, zh="并发上限。", en="The most calls at one time."),
    Setting(
        "channels[].min_request_interval",
        Number(0.0, 86_400.0),
        0.0,
        unit="s",
        zh="两次调用的最小间隔；未到时间则用下一个渠道。",
        en="The shortest time between two calls; until then the next channel is used.",
    ),
    Setting(
        "channels[].local",
        Boolean(),
        None,
        zh="是否本地；默认按地址判断。",
        en="Whether it is local; judged by its address when not given.",
    ),
    Setting(
        "channels[].region", REGION, None, zh="区域；默认取提供商的。", en="The region; the provider's by default."
    ),
    Setting("channels[].proxy", ProxyUrl(), None, zh="HTTP CONNECT 代理。", en="An HTTP CONNECT proxy."),
    Setting(
        "channels[].tls_verify",
        Boolean(),
        None,
        zh="是否校验证书；默认取提供商的。",
        en="Whether certificates are verified; as the provider says when not given.",
    ),
    Setting("channels[].headers", MapOf(Secret(), is_headers=True), (), zh="附加请求头。", en="Extra request headers."),
    *timeout_settings("channels[]", Words("默认取提供商的，否则 ", "the provider's, else ")),
    Setting(
        "channels[].performance.quality_score",
        _SCORE,
        None,
        zh="其模型的质量评分。",
        en="The quality of its models.",
    ),
    *(
        Setting(f"channels[].performance.{name}", Number(0.0, 10**9), None, zh=zh, en=en, idle=_MEASURED)
        for name, zh, en in (
            ("speed_score", "速度评分。", "A speed score."),
            ("reliability_score", "可靠性评分。", "A reliability score."),
            ("avg_latency_ms", "平均延迟。", "An average latency."),
        )
    ),
)

_CHANNEL_PRICES: Final = (
    Setting(
        "channels[].currency",
        Currency(),
        None,
        zh="本渠道价格的币种；默认：cost_per_token 与 pricing 为 USD，prices 取提供商的。",
        en="The currency of this channel's prices; when not given, USD for cost_per_token and pricing, and the "
        "provider's for prices.",
    ),
    Setting(
        "channels[].cost_per_token.input",
        Amount(),
        None,
        zh="每个输入 token 的价格。",
        en="The price of one input token.",
    ),
    Setting(
        "channels[].cost_per_token.output",
        Amount(),
        None,
        zh="每个输出 token 的价格。",
        en="The price of one output token.",
    ),
    Setting(
        "channels[].pricing.input_cost_per_1k",
        Amount(),
        None,
        zh="每 1000 个输入 token 的价格；cost_per_token 优先。",
        en="The price of 1,000 input tokens; cost_per_token goes before it.",
    ),
    Setting(
        "channels[].pricing.output_cost_per_1k",
        Amount(),
        None,
        zh="每 1000 个输出 token 的价格；cost_per_token 优先。",
        en="The price of 1,000 output tokens; cost_per_token goes before it.",
    ),
    *price_settings("channels[]", "channel", "渠道"),
    Setting(
        "channels[].currency_exchange.from",
        Currency(),
        None,
        zh="价目表的币种，如 USD。",
        en="The currency of the price list, such as USD.",
    ),
    Setting(
        "channels[].currency_exchange.to",
        Currency(),
        None,
        zh="实际支付的币种，如 CNY。",
        en="The currency that is paid, such as CNY.",
    ),
    Setting(
        "channels[].currency_exchange.rate",
        Amount(positive=True),
        None,
        zh="价目表一个货币单位实际支付多少；所有适用的价格乘以它。",
        en="What one unit of the price list costs; every price that applies is multiplied by it.",
    ),
    Setting(
        "channels[].currency_exchange.description",
        _TEXT,
        "",
        zh="说明；记在价格的来源里。",
        en="A remark; kept as the source of the prices.",
    ),
)

CHANNEL_SETTINGS: Final = (*_CHANNEL_IDENTITY, *_CHANNEL_MODELS, *_CHANNEL_ROUTING, *_CHANNEL_PRICES)
