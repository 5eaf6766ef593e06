"""Settings of routing and caching."""

from typing import Final

from smart_ai_router.config.kinds import Boolean, Choice, Integer, ListOf, MapOf, Number, Text
from smart_ai_router.config.setting import REQUIRED, Setting, Words
from smart_ai_router.domain.routing_scores import SORT_FIELDS

_NAME: Final = Text(r"\S(.*\S)?", "takes a name")
_SECONDS: Final = Number(0.0, 86_400.0)
# The reference project's words for errors.
_ERROR_WORDS: Final = (
    "quota_exceeded",
    "invalid_api_key",
    "insufficient_credits",
    "rate_limit_exceeded",
    "timeout",
    "server_error",
)
_RULES: Final = Words(
    "每种错误有固定规则：密钥失效停用到配置改变，余额或配额不足停用 30 分钟，限流按 Retry-After",
    "each kind of fault has its own rule: a bad key rests the channel until its configuration changes, missing money "
    "or quota for 30 minutes, a rate limit for as long as Retry-After says",
)
_NO_CACHE: Final = Words(
    "没有应答缓存：每次调用都由上游应答并入账",
    "there is no response cache: every call is answered by an upstream and stands in the books",
)

_FILTERS: Final = (
    Setting(
        "routing.model_filters.min_context_length",
        Integer(0, 10**9),
        0,
        unit="tokens",
        zh="标签查询只考虑上下文不小于此值的模型；0 不过滤。",
        en="Tag queries leave out models with a shorter context; 0 leaves out none.",
    ),
    Setting(
        "routing.model_filters.min_parameter_count",
        Integer(0, 10**9),
        0,
        unit="million",
        zh="标签查询只考虑参数量不小于此值（百万）的模型；0 不过滤。",
        en="Tag queries leave out smaller models; in millions of parameters, 0 leaves out none.",
    ),
    Setting(
        "routing.model_filters.exclude_embedding_models",
        Boolean(),
        True,
        zh="对话的标签查询不考虑 embedding 模型。",
        en="Tag queries of a chat leave out embedding models.",
    ),
    Setting(
        "routing.model_filters.exclude_vision_only_models",
        Boolean(),
        True,
        zh="对话的标签查询不考虑纯图像模型。",
        en="Tag queries of a chat leave out models that only make images.",
    ),
)

_SORTING: Final = (
    Setting(
        "routing.sorting_strategies.{name}[].field",
        Choice(tuple(SORT_FIELDS)),
        REQUIRED,
        zh="参与排序的评分。",
        en="The score that counts.",
    ),
    Setting(
        "routing.sorting_strategies.{name}[].weight", Number(0.0, 1000.0), 1.0, zh="权重。", en="How much it counts."
    ),
    Setting(
        "routing.sorting_strategies.{name}[].order",
        Choice(("desc", "asc")),
        "desc",
        zh="desc 取大，asc 取小。",
        en="desc prefers more of the field, asc less.",
    ),
)

ROUTING_SETTINGS: Final = (
    Setting(
        "routing.default_strategy",
        _NAME,
        "cost_first",
        zh="排序策略：cost_first、free_first、local_first、cost_optimized、balanced、speed_optimized、"
        "quality_optimized，或 sorting_strategies 中的名字。",
        en="The order of candidates: cost_first, free_first, local_first, cost_optimized, balanced, speed_optimized, "
        "quality_optimized, or a name of sorting_strategies.",
    ),
    Setting(
        "routing.enable_fallback",
        Boolean(),
        True,
        zh="失败时是否换下一个渠道。",
        en="Whether a failed attempt moves on to the next channel.",
    ),
    Setting(
        "routing.max_retry_attempts",
        Integer(1, 20),
        3,
        zh="一次调用最多尝试几个渠道（含第一个）。",
        en="The most attempts that one call makes, the first one included.",
    ),
    Setting(
        "routing.health_check_interval",
        _SECONDS,
        300.0,
        unit="s",
        zh="健康检查间隔。",
        en="The interval of health checks.",
        idle=Words(
            "健康状态来自真实调用，不会暗中发出收费的探测",
            "health is seen from real calls; no paid probe is made behind your back",
        ),
    ),
    Setting(
        "routing.error_cooldown_period",
        _SECONDS,
        60.0,
        unit="s",
        zh="连续服务端错误后渠道停用多久；每次加倍，最多一小时。",
        en="How long a channel rests after repeated server errors; doubled each time, up to an hour.",
    ),
    Setting(
        "routing.unpriced_models",
        Choice(("serve", "refuse")),
        "serve",
        zh="没有价格的模型：serve 照常服务并标记 unpriced，refuse 拒绝。",
        en="Models without a price: serve answers and marks the record unpriced, refuse does not answer.",
    ),
    Setting(
        "routing.client_gone",
        Choice(("drain", "cancel")),
        "drain",
        zh="客户端中途离开：drain 读完上游以得到准确用量，cancel 立即取消并估算。",
        en="A client that leaves early: drain reads the upstream to its exact usage, cancel stops it and estimates.",
    ),
    Setting(
        "routing.drain_timeout",
        _SECONDS,
        10.0,
        unit="s",
        zh="drain 最多持续多久。",
        en="How long drain may go on.",
    ),
    Setting(
        "routing.aliases",
        MapOf(_NAME),
        (),
        zh="别名: 模型名或标签查询，对所有渠道有效。",
        en="Alias: a model name or a tag query, for all channels.",
    ),
    *_FILTERS,
    *_SORTING,
    Setting(
        "routing.error_handling.cooldown_periods.server_error",
        _SECONDS,
        None,
        unit="s",
        zh="优先于 error_cooldown_period。",
        en="Goes before error_cooldown_period.",
    ),
    *(
        Setting(
            f"routing.error_handling.cooldown_periods.{word}",
            _SECONDS,
            None,
            unit="s",
            zh="该错误后停用多久。",
            en="How long a channel rests after this error.",
            idle=_RULES,
        )
        for word in _ERROR_WORDS
        if word != "server_error"
    ),
    *(
        Setting(
            f"routing.error_handling.{name}",
            ListOf(Choice(_ERROR_WORDS)),
            (),
            zh=zh,
            en=en,
            idle=_RULES,
        )
        for name, zh, en in (
            ("permanent_errors", "永久错误。", "Errors that last."),
            ("temporary_errors", "暂时错误。", "Errors that pass."),
        )
    ),
    Setting(
        "caching.enable_response_cache",
        Boolean(),
        False,
        zh="缓存应答。",
        en="Whether answers are cached.",
        idle=_NO_CACHE,
        only=(False,),
    ),
    Setting(
        "caching.cache_ttl",
        _SECONDS,
        3600.0,
        unit="s",
        zh="缓存时长。",
        en="How long answers are cached.",
        idle=_NO_CACHE,
    ),
    Setting(
        "caching.max_cache_size",
        Integer(0, 10**9),
        1000,
        zh="缓存条目上限。",
        en="The most cached answers.",
        idle=_NO_CACHE,
    ),
)
