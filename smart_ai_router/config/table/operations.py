"""Settings of monitoring, money, tasks, journal, storage, prices and statistics."""

from decimal import Decimal
from typing import Final

from smart_ai_router.config.address_kinds import Webhook
from smart_ai_router.config.kinds import (
    Amount,
    Boolean,
    Choice,
    Currency,
    Day,
    Integer,
    ListOf,
    MapOf,
    Number,
    Secret,
    Text,
)
from smart_ai_router.config.setting import REQUIRED, Setting, Words

NOTIFIER_TYPES: Final = ("console", "webhook", "smtp", "dingtalk", "feishu", "wecom", "slack", "apprise", "custom")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

_TEXT: Final = Text()
_SECONDS: Final = Number(0.0, 31_536_000.0)
_PERCENT: Final = Number(0.0, 100.0)
_ADDRESS: Final = Text(r"[^@\s,]+@[^@\s,]+", "is not a mail address")
_NAME: Final = Text(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}", "takes letters, digits and . _ : @ - only")
_PATH: Final = Text(r"\S(.*\S)?", "takes a path")
_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_OWN_CODE: Final = Text(rf"{_WORD}(\.{_WORD})*:{_WORD}", "takes module:name, such as own_alerts:TicketMonitor")

MONITORING_SETTINGS: Final = (
    Setting(
        "monitoring.enable_metrics",
        Boolean(),
        True,
        zh="是否提供 /metrics（Prometheus）。",
        en="Whether /metrics is served, for Prometheus.",
        restart=True,
    ),
    Setting(
        "monitoring.enable_health_checks",
        Boolean(),
        True,
        zh="健康检查。",
        en="Health checks.",
        idle=Words("渠道健康始终由真实调用得出", "the health of channels is always seen from real calls"),
    ),
    Setting(
        "monitoring.log_level",
        Choice(LOG_LEVELS),
        "INFO",
        zh="程序日志级别。",
        en="The level of the program's log.",
        restart=True,
    ),
    Setting(
        "monitoring.request_logging",
        Boolean(),
        True,
        zh="记录请求。",
        en="Whether requests are logged.",
        idle=Words("每次调用始终写入使用日志", "every call always stands in the usage journal"),
    ),
    Setting(
        "monitoring.performance_tracking",
        Boolean(),
        True,
        zh="记录性能。",
        en="Whether times are recorded.",
        idle=Words("每条记录始终带有耗时", "every record always carries its times"),
    ),
    Setting(
        "monitoring.errors_before_alert",
        Integer(1, 1000),
        3,
        zh="同一渠道连续多少次错误后告警。",
        en="How many errors of one channel in a row raise an alert.",
    ),
    Setting(
        "monitoring.error_window",
        Number(1.0, 86_400.0),
        300.0,
        unit="s",
        zh="错误计数与错误率的时间窗。",
        en="The window in which errors and error rates are counted.",
    ),
    Setting(
        "monitoring.alert_cooldown",
        _SECONDS,
        3600.0,
        unit="s",
        zh="同一渠道同类告警两次通知的最小间隔。",
        en="The shortest time between two notices of the same kind for one channel.",
    ),
    Setting(
        "monitoring.error_rate_percent",
        Number(0.001, 100.0),
        50.0,
        unit="%",
        zh="错误率达到多少告警。",
        en="The share of failures that raises an alert.",
    ),
    Setting(
        "monitoring.error_rate_resolved_percent",
        _PERCENT,
        25.0,
        unit="%",
        zh="错误率降到多少视为恢复。",
        en="The share of failures at which the alert is over.",
    ),
    Setting(
        "monitoring.error_rate_calls_min",
        Integer(1, 1_000_000),
        20,
        zh="时间窗内至少多少次调用才计算错误率。",
        en="How many calls in the window an error rate needs.",
    ),
)

_NOTIFIER: Final = "monitoring.alerts.notifiers[]"
NOTIFIER_SETTINGS: Final = (
    Setting(
        f"{_NOTIFIER}.type",
        Choice(NOTIFIER_TYPES),
        REQUIRED,
        zh="通知方式。",
        en="How alerts are sent.",
    ),
    Setting(f"{_NOTIFIER}.name", _NAME, "", zh="名称；默认同 type。", en="Its name; its type when not given."),
    Setting(f"{_NOTIFIER}.enabled", Boolean(), True, zh="是否使用。", en="Whether it is used."),
    Setting(
        f"{_NOTIFIER}.url",
        Webhook(),
        None,
        zh="webhook、dingtalk、feishu、wecom、slack 的地址。",
        en="The address of a webhook, dingtalk, feishu, wecom or slack robot.",
    ),
    Setting(
        f"{_NOTIFIER}.secret",
        Secret(),
        None,
        zh="签名密钥：webhook 必填，dingtalk、feishu 可选。",
        en="The signing secret: a webhook needs one, a dingtalk or feishu robot may have one.",
    ),
    Setting(
        f"{_NOTIFIER}.urls",
        ListOf(Secret()),
        (),
        zh="apprise 的目标地址。",
        en="The target addresses of apprise.",
    ),
    Setting(
        f"{_NOTIFIER}.host", Text(r"[A-Za-z0-9.:_-]+", "is not a host"), None, zh="smtp 主机。", en="The smtp host."
    ),
    Setting(
        f"{_NOTIFIER}.port",
        Integer(1, 65_535),
        None,
        zh="smtp 端口；默认 587（starttls）、465（ssl）、25（plain）。",
        en="The smtp port; 587 (starttls), 465 (ssl) or 25 (plain) when not given.",
    ),
    Setting(
        f"{_NOTIFIER}.security",
        Choice(("starttls", "ssl", "plain")),
        "starttls",
        zh="smtp 加密方式。",
        en="How smtp is encrypted.",
    ),
    Setting(f"{_NOTIFIER}.username", _TEXT, None, zh="smtp 用户。", en="The smtp user."),
    Setting(f"{_NOTIFIER}.password", Secret(), None, zh="smtp 密码。", en="The smtp password."),
    Setting(f"{_NOTIFIER}.sender", _ADDRESS, None, zh="smtp 发件人。", en="The smtp sender."),
    Setting(f"{_NOTIFIER}.recipients", ListOf(_ADDRESS), (), zh="smtp 收件人。", en="The smtp recipients."),
    Setting(
        f"{_NOTIFIER}.factory",
        _OWN_CODE,
        None,
        zh="custom：您自己的类或函数，写作 `模块:名称`；调用后返回通知器。",
        en="custom: a class or function of your own, as `module:name`; calling it gives the notifier.",
    ),
    Setting(
        f"{_NOTIFIER}.options",
        MapOf(Secret()),
        (),
        zh="custom：传给 factory 的参数，均为文本。",
        en="custom: what factory is called with, all texts.",
    ),
)

EXTENSION_SETTINGS: Final = (
    Setting(
        "extensions.path",
        _PATH,
        None,
        zh="您自己的 Python 模块所在的目录，排在模块搜索路径的最后。",
        en="The directory of your own Python modules; it comes last in the module search path.",
        restart=True,
    ),
    Setting(
        "extensions.monitor",
        _OWN_CODE,
        None,
        zh="ChannelMonitor 的子类，写作 `模块:类`，代替内置的渠道监控。",
        en="A subclass of ChannelMonitor, as `module:Class`, in place of the built-in monitor.",
        restart=True,
    ),
    Setting(
        "extensions.tracker",
        _OWN_CODE,
        None,
        zh="UsageTracker 的子类，写作 `模块:类`；`report --by` 可用它的维度。",
        en="A subclass of UsageTracker, as `module:Class`; its dimensions are there for `report --by`.",
    ),
)

COST_SETTINGS: Final = (
    Setting(
        "cost_control.global_daily_budget",
        Amount(positive=True, decimals_max=12),
        None,
        zh="每天总预算；不写则没有预算。",
        en="The budget of a day for all calls; none when not given.",
    ),
    Setting(
        "cost_control.alert_threshold",
        Amount(decimals_max=6),
        Decimal("0.8"),
        zh="用到预算的多大比例时告警，0 至 1。",
        en="The share of the budget at which an alert is raised, between 0 and 1.",
    ),
    Setting(
        "cost_control.auto_disable_on_budget_exceeded",
        Boolean(),
        True,
        zh="预算用完后是否拒绝收费调用，直到第二天。",
        en="Whether calls that cost money are refused for the rest of the day once the budget is used up.",
    ),
    Setting("cost_control.currency", Currency(), "USD", zh="预算的币种。", en="The budget's currency."),
)

_NO_FETCH: Final = Words(
    "模型来自本文件与内置目录，不会自动抓取",
    "models come from this file and the built-in catalogue; nothing is fetched by itself",
)
_NO_PRICE_FETCH: Final = Words(
    "价格来自内置价目表、本文件与 `prices import`，绝不自动改变",
    "prices come from the built-in book, this file and `prices import`; they never change by themselves",
)
_NO_PROBE: Final = Words(
    "健康与密钥状态来自真实调用，不会暗中发出探测",
    "health and keys are judged by real calls; no probe is made behind your back",
)
_NO_CACHE_FILES: Final = Words("没有需要清理的缓存文件", "there are no cache files to clean up")
_REPORTS: Final = Words("报告由归档脚本的 --report 生成", "reports are made by the archive script's --report")
_TASKS: Final = (
    ("model_discovery", _NO_FETCH, ("interval_hours", "run_on_startup")),
    ("pricing_discovery", _NO_PRICE_FETCH, ("interval_hours", "run_on_startup")),
    ("siliconflow_pricing", _NO_PRICE_FETCH, ("interval_hours", "run_on_startup")),
    ("doubao_pricing", _NO_PRICE_FETCH, ("interval_hours", "run_on_startup")),
    ("health_check", _NO_PROBE, ("interval_minutes", "run_on_startup", "max_concurrent_checks")),
    (
        "api_key_validation",
        _NO_PROBE,
        ("interval_hours", "interval_minutes", "run_on_startup", "max_concurrent_validations"),
    ),
    ("cache_cleanup", _NO_CACHE_FILES, ("interval_hours", "run_on_startup", "max_cache_age_days")),
    ("stats_report", _REPORTS, ("interval_hours", "run_on_startup")),
)

TASK_SETTINGS: Final = tuple(
    Setting(
        f"tasks.{task}.{key}",
        Boolean() if key in {"enabled", "run_on_startup"} else Integer(0, 1_000_000),
        None,
        zh="参考项目的后台任务。",
        en="A background task of the reference project.",
        idle=reason,
    )
    for task, reason, keys in _TASKS
    for key in ("enabled", *keys)
)

STORAGE_SETTINGS: Final = (
    Setting(
        "journal.durability",
        Choice(("strict", "group")),
        "strict",
        zh="strict：应答最后的字节等到记录落盘；group：每 100 毫秒落盘一次，不等待。",
        en="strict holds back the last bytes of an answer until its record is on the disk; group writes every 100 ms "
        "and does not wait.",
        restart=True,
    ),
    Setting(
        "journal.logs_dir",
        _PATH,
        "./logs",
        zh="使用日志与告警日志的目录。",
        en="The directory of the usage journal and the alert log.",
        restart=True,
    ),
    Setting(
        "storage.data_dir",
        _PATH,
        "./data",
        zh="账目数据库与令牌等文件的目录。",
        en="The directory of the books' database, the token file and other state.",
        restart=True,
    ),
    Setting(
        "storage.url",
        Text(
            r"(sqlite:///|postgresql://|postgres://)\S+",
            "takes sqlite:///path or postgresql://user:password@host/database",
        ),
        None,
        zh="账目数据库；默认是 data_dir 里的 SQLite。",
        en="The books' database; a SQLite file in data_dir when not given.",
        restart=True,
    ),
)

PRICE_SETTINGS: Final = (
    Setting("prices.exchange_rates[].from", Currency(), REQUIRED, zh="币种。", en="The currency that is exchanged."),
    Setting("prices.exchange_rates[].to", Currency(), REQUIRED, zh="换成的币种。", en="The currency it becomes."),
    Setting(
        "prices.exchange_rates[].rate",
        Amount(positive=True),
        REQUIRED,
        zh="一个 from 等于多少 to。",
        en="How many units of `to` one unit of `from` is.",
    ),
    Setting(
        "prices.exchange_rates[].date",
        Day(),
        REQUIRED,
        zh="汇率从哪天（UTC）起有效；随记录保存。",
        en="The day (UTC) from which the rate holds; kept on every record that uses it.",
    ),
    Setting(
        "statistics.region_header",
        Text(r"[A-Za-z0-9-]{1,64}", "is not a header name"),
        None,
        zh="哪个请求头携带调用者的地区（地理统计），如 CF-IPCountry；只应由可信代理写入。",
        en="The request header that carries a caller's region, such as CF-IPCountry, for statistics by region; only a "
        "trusted proxy should write it.",
    ),
)

OPERATION_SETTINGS: Final = (
    *MONITORING_SETTINGS,
    *NOTIFIER_SETTINGS,
    *EXTENSION_SETTINGS,
    *COST_SETTINGS,
    *TASK_SETTINGS,
    *STORAGE_SETTINGS,
    *PRICE_SETTINGS,
)
