"""Settings of the service itself: system, server, auth, limits."""

from typing import Final

from smart_ai_router.config.address_kinds import Network
from smart_ai_router.config.kinds import Boolean, Choice, Currency, Integer, ListOf, Number, Secret, Text, TimeZone
from smart_ai_router.config.setting import REQUIRED, Setting, Words

_TEXT: Final = Text()
_SECONDS: Final = Number(0.001, 86_400.0)
_ID: Final = Text(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}", "takes letters, digits and . _ : @ - only")
_PORTS: Final = Integer(0, 65_535)

SYSTEM_SETTINGS: Final = (
    Setting(
        "system.name",
        _TEXT,
        "Smart AI Router",
        zh="本服务的名称，显示在控制台与告警中。",
        en="The service's name, shown in the console and in alerts.",
    ),
    Setting(
        "system.description",
        _TEXT,
        "",
        zh="说明文字。",
        en="A description.",
        idle=Words("它不在任何地方显示", "it is shown nowhere"),
    ),
    Setting(
        "system.version",
        _TEXT,
        "",
        zh="版本号。",
        en="A version.",
        idle=Words("程序报告自己的版本", "the program states its own version"),
    ),
    Setting(
        "system.storage_mode",
        Choice(("yaml", "json", "sqlite")),
        "yaml",
        zh="参考项目的存储模式。",
        en="The reference project's storage mode.",
        idle=Words(
            "配置始终来自本文件，账目始终写入日志与 storage.url",
            "settings always come from this file, and the books from the journal and storage.url",
        ),
    ),
    Setting(
        "system.time_zone",
        TimeZone(),
        "UTC",
        zh="统计按哪个时区的自然日、周、月划分。日志文件名始终按 UTC。",
        en="The time zone whose days, weeks and months the statistics count. Journal file names are always UTC.",
        restart=True,
    ),
    Setting(
        "system.currency",
        Currency(),
        "USD",
        zh="`/v1/stats` 显示费用所用的币种。不同币种没有汇率时绝不相加。",
        en="The currency in which `/v1/stats` shows costs. Currencies are never added without a stored rate.",
        restart=True,
    ),
    Setting(
        "system.billing_currency",
        Currency(),
        "CNY",
        zh="计费页面（用户额度、资源池）所用的币种。",
        en="The currency of the billing pages (quotas and pools).",
        restart=True,
    ),
    Setting(
        "system.demo_channel",
        Choice(("auto", "always", "never")),
        "auto",
        zh="内置离线演示渠道：auto 表示文件里没有可用渠道时才出现。",
        en="The built-in offline demo channel: auto shows it while the file names no usable channel.",
    ),
    Setting(
        "system.probe_local_servers",
        Boolean(),
        True,
        zh="没有配置渠道时，是否在本机寻找 Ollama、LM Studio、vLLM。",
        en="Whether to look for Ollama, LM Studio and vLLM on this machine while no channel is configured.",
    ),
)

SERVER_SETTINGS: Final = (
    Setting(
        "server.host",
        Text(r"[A-Za-z0-9.:_-]+", "is not a host name or address"),
        "127.0.0.1",
        zh="监听地址。默认只监听本机；监听其他地址时必须先有密钥，否则拒绝启动。",
        en="The address to listen on. By default this machine only; any other address requires a key, or the router "
        "does not start.",
        restart=True,
    ),
    Setting(
        "server.port",
        _PORTS,
        7601,
        zh="监听端口；0 表示任选一个空闲端口。",
        en="The port to listen on; 0 takes any free one.",
        restart=True,
    ),
    Setting(
        "server.workers", Integer(1, 64), 1, zh="网关工作进程数。", en="The number of gateway processes.", restart=True
    ),
    Setting(
        "server.debug",
        Boolean(),
        False,
        zh="true 等同于 monitoring.log_level: DEBUG。",
        en="true is the same as monitoring.log_level: DEBUG.",
        restart=True,
    ),
    Setting(
        "server.cors_origins",
        ListOf(Text(r"\*|https?://[A-Za-z0-9.:\[\]-]+", "is not an origin such as https://app.example.com")),
        (),
        zh="允许哪些网页来源从浏览器调用；* 表示全部（不携带凭据）。",
        en="The web origins that may call from a browser; * is any (without credentials).",
    ),
    Setting(
        "server.trusted_proxies",
        ListOf(Network()),
        (),
        zh="哪些反向代理（地址或网段）所说的客户端地址与协议（X-Forwarded-For、X-Forwarded-Proto）在登录时可信；"
        "本机的代理总是可信。",
        en="The reverse proxies (addresses or networks) that are believed at a login when they name the client's "
        "address and scheme (X-Forwarded-For, X-Forwarded-Proto). A proxy on this machine always is.",
        restart=True,
    ),
    Setting(
        "server.request_timeout",
        _SECONDS,
        300.0,
        unit="s",
        zh="上游最迟多久必须开始应答；渠道可在 timeouts.first_byte 中另设。",
        en="How long an upstream may take to begin its answer; a channel may set its own timeouts.first_byte.",
    ),
    Setting(
        "server.max_request_size",
        Integer(1024, 1_073_741_824),
        10_485_760,
        unit="bytes",
        zh="请求体上限，超过则 413。",
        en="The largest request body; a larger one is answered 413.",
        restart=True,
    ),
    Setting(
        "server.max_connections",
        Integer(1, 1_000_000),
        10_000,
        zh="每个工作进程同时打开的客户端连接上限。",
        en="The most client connections that one process holds open.",
        restart=True,
    ),
    Setting(
        "server.header_timeout",
        _SECONDS,
        10.0,
        unit="s",
        zh="请求头必须在多久内到齐。",
        en="How long a request head may take to arrive.",
        restart=True,
    ),
    Setting(
        "server.body_timeout",
        _SECONDS,
        60.0,
        unit="s",
        zh="请求体必须在多久内到齐。",
        en="How long a request body may take to arrive.",
        restart=True,
    ),
    Setting(
        "server.keep_alive_timeout",
        _SECONDS,
        75.0,
        unit="s",
        zh="空闲连接保留多久。",
        en="How long an idle connection is kept.",
        restart=True,
    ),
    Setting(
        "server.drain_timeout",
        _SECONDS,
        30.0,
        unit="s",
        zh="收到 SIGTERM 后，进行中的调用最多再等多久。",
        en="How long calls under way may go on after SIGTERM.",
        restart=True,
    ),
)

AUTH_SETTINGS: Final = (
    Setting(
        "auth.enabled",
        Boolean(),
        False,
        zh="true 时每个 `/v1` 调用都要密钥，本机也不例外。本机有反向代理时请设为 true。",
        en="true asks every `/v1` call for a key, also from this machine. Set it when a reverse proxy runs on this "
        "machine, because then every caller comes from it.",
    ),
    Setting(
        "auth.api_token",
        Secret(),
        None,
        zh="一个可调用 `/v1` 的密钥。",
        en="One key that may call `/v1`.",
    ),
    Setting(
        "auth.anonymous_loopback",
        Boolean(),
        None,
        zh="是否服务来自本机且没有密钥的调用。不写时：只监听本机则服务，否则不服务。",
        en="Whether a call from this machine without a key is served. When not given: yes while the router listens on "
        "this machine only.",
    ),
    Setting("auth.keys[].name", _ID, REQUIRED, zh="密钥的名称。", en="The key's name, shown in statistics and alerts."),
    Setting(
        "auth.keys[].key", Secret(), REQUIRED, zh="密钥本身，至少 16 个字符。", en="The key, at least 16 characters."
    ),
    Setting(
        "auth.keys[].user", _ID, "", zh="属于哪个用户；默认同名。", en="The user it belongs to; its name if empty."
    ),
    Setting("auth.keys[].enabled", Boolean(), True, zh="是否可用。", en="Whether it may be used."),
    Setting(
        "auth.keys[].models",
        ListOf(_TEXT),
        (),
        zh="允许的模型名或标签查询；空表示全部。",
        en="The model names and tag queries it may use; empty means all.",
    ),
    Setting(
        "auth.keys[].requests_per_minute",
        Integer(1, 10_000_000),
        None,
        zh="每分钟调用上限；默认取 limits.requests_per_minute。",
        en="The most calls a minute; limits.requests_per_minute if not given.",
    ),
    Setting(
        "auth.keys[].concurrency",
        Integer(1, 1_000_000),
        None,
        zh="同时进行的调用上限；默认取 limits.concurrency。",
        en="The most calls at one time; limits.concurrency if not given.",
    ),
    Setting(
        "auth.admin.enabled",
        Boolean(),
        True,
        zh="管理接口是否需要管理令牌。",
        en="Whether the admin interfaces need the admin token.",
        idle=Words(
            "统计、计费与管理接口始终需要管理令牌；不能关闭",
            "statistics, billing and administration always need the admin token; it cannot be switched off",
        ),
        only=(True,),
    ),
    Setting(
        "auth.admin.admin_token",
        Secret(),
        None,
        zh="管理令牌。环境变量 SMART_AI_ROUTER_ADMIN_TOKEN 优先；都没有时生成一次并存入仅本用户可读的文件。",
        en="The admin token. The variable SMART_AI_ROUTER_ADMIN_TOKEN goes before it; with neither, one is made once "
        "and kept in a file that only this user can read.",
    ),
)

LIMIT_SETTINGS: Final = (
    Setting(
        "limits.requests_per_minute",
        Integer(1, 10_000_000),
        None,
        zh="每个密钥默认的每分钟调用上限；不写则不限。",
        en="The most calls a minute for a key that sets none of its own; no limit when not given.",
    ),
    Setting(
        "limits.concurrency",
        Integer(1, 1_000_000),
        None,
        zh="每个密钥默认的并发上限；不写则不限。",
        en="The most calls at one time for a key that sets none of its own; no limit when not given.",
    ),
)

SERVICE_SETTINGS: Final = (*SYSTEM_SETTINGS, *SERVER_SETTINGS, *AUTH_SETTINGS, *LIMIT_SETTINGS)
