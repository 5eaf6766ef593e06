"""What the page of usage records is answered. The second guide's fields come first, in its order; ours follow.

Amounts are exact decimals, moments ISO 8601 in UTC. Every field carries its description into the API document.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from smart_ai_router.core.administration_messages import Told


class ExchangeUsed(Told, frozen=True):
    """The rate by which a cost was converted: 1 base = rate quote."""

    base: Annotated[str, Meta(description="原币种")]
    quote: Annotated[str, Meta(description="换成的币种")]
    rate: Annotated[Decimal, Meta(description="1 base 等于多少 quote")]
    effective_from: Annotated[str, Meta(description="汇率从何时起有效，UTC")]
    inverse: Annotated[bool, Meta(description="汇率是按相反方向录入的：金额被它除")]


class BillLineFacts(Told, frozen=True):
    """meter x quantity x price version = amount."""

    meter: Annotated[str, Meta(description="计量项，例如 input_token")]
    quantity: Annotated[Decimal, Meta(description="数量")]
    price_version: Annotated[str, Meta(description="所用的价格版本；空表示没有价格")]
    amount: Annotated[Decimal, Meta(description="金额，币种为 originalCurrency")]


class AttemptFacts(Told, frozen=True):
    """One upstream try of a call."""

    channel_id: Annotated[str, Meta(description="渠道 ID")]
    channel_name: Annotated[str, Meta(description="渠道名称")]
    provider_id: Annotated[str, Meta(description="提供商 ID")]
    model_id: Annotated[str, Meta(description="上游模型名")]
    status_code: Annotated[int | None, Meta(description="上游的 HTTP 状态码")]
    error_kind: Annotated[str | None, Meta(description="失败种类；成功为空")]
    error_message: Annotated[str | None, Meta(description="上游的错误文字")]
    input_tokens: Annotated[int, Meta(description="输入 Token 数")]
    output_tokens: Annotated[int, Meta(description="输出 Token 数")]
    cost: Annotated[Decimal, Meta(description="此次尝试的成本，币种为 originalCurrency")]
    duration_ms: Annotated[int, Meta(description="耗时，毫秒")]


class UsageRecordFacts(Told, frozen=True):
    """One call."""

    id: Annotated[str, Meta(description="记录 ID，即请求 ID")]
    user_id: Annotated[str | None, Meta(description="用户 ID；没有用户的调用为空")]
    provider_id: Annotated[str | None, Meta(description="提供商 ID；没有到达任何提供商的调用为空")]
    model_id: Annotated[str, Meta(description="模型 ID")]
    usage_type: Annotated[
        str,
        Meta(
            description="使用类型：text_generation、image_generation、audio_tts、audio_stt、video_generation、"
            "embedding、rerank、moderation"
        ),
    ]
    input_tokens: Annotated[int, Meta(description="输入 Token 数，含缓存部分")]
    output_tokens: Annotated[int, Meta(description="输出 Token 数，含推理部分")]
    total_tokens: Annotated[int, Meta(description="总 Token 数")]
    image_count: Annotated[int, Meta(description="图片数")]
    audio_duration: Annotated[Decimal, Meta(description="音频秒数")]
    video_duration: Annotated[Decimal, Meta(description="视频秒数")]
    cost_amount: Annotated[Decimal, Meta(description="费用金额，币种见 currency；有汇率时为计费币种（默认人民币元）")]
    token_consumed: Annotated[int, Meta(description="消耗的 Token 数，同 totalTokens")]
    status: Annotated[str, Meta(description="状态：success 或 failed")]
    request_id: Annotated[str, Meta(description="请求 ID，与应答头 x-request-id 和日志中的 request_id 相同")]
    error_message: Annotated[str | None, Meta(description="失败原因；已归档的记录在详情接口中给出")]
    created_at: Annotated[str, Meta(description="调用时间（结束时刻），UTC")]
    provider_name: Annotated[str | None, Meta(description="提供商名称")]
    model_name: Annotated[str, Meta(description="模型名称")]
    currency: Annotated[str, Meta(description="costAmount 的币种；没有汇率时即原币种")]
    original_cost: Annotated[Decimal, Meta(description="日志中记下的费用，未经换算")]
    original_currency: Annotated[str, Meta(description="originalCost 的币种")]
    exchange: Annotated[ExchangeUsed | None, Meta(description="换算所用的汇率；没有换算为空")]
    outcome: Annotated[str, Meta(description="结局：success、failed、refused、partial、cancelled、interrupted")]
    status_code: Annotated[int | None, Meta(description="客户端得到的 HTTP 状态码")]
    error_kind: Annotated[str | None, Meta(description="失败种类；成功为空")]
    channel_id: Annotated[str | None, Meta(description="渠道 ID；没有到达渠道为空")]
    api_key_id: Annotated[str | None, Meta(description="API 密钥 ID")]
    cached_tokens: Annotated[int, Meta(description="输入中命中缓存的 Token 数")]
    cache_write_tokens: Annotated[int, Meta(description="输入中写入缓存的 Token 数")]
    reasoning_tokens: Annotated[int, Meta(description="输出中的推理 Token 数")]
    usage_source: Annotated[str, Meta(description="用量来源：provider、estimated 或 none")]
    cost_basis: Annotated[str, Meta(description="价格来源：channel、provider、book；unpriced 表示没有价格")]
    duration_ms: Annotated[int, Meta(description="整个调用的耗时，毫秒")]
    first_token_ms: Annotated[int | None, Meta(description="到第一个 Token 的时间，毫秒")]
    region: Annotated[str | None, Meta(description="调用者的地区")]
    line_state: Annotated[
        str,
        Meta(description="日志行在哪里：live、archived（已归档，详情接口会解包）或 missing；不是 live 则下列各项为空"),
    ]
    channel_name: Annotated[str | None, Meta(description="渠道名称")]
    user_charge: Annotated[Decimal | None, Meta(description="向用户收取的金额")]
    charge_currency: Annotated[str | None, Meta(description="userCharge 的币种")]
    tags: Annotated[tuple[str, ...], Meta(description="标签")]
    lines: Annotated[tuple[BillLineFacts, ...], Meta(description="账单行")]
    attempts: Annotated[tuple[AttemptFacts, ...], Meta(description="上游尝试，按先后")]


class PostingFacts(Told, frozen=True):
    """What the call took of one ledger account."""

    kind: Annotated[str, Meta(description="账户种类：user、key 或 pool")]
    owner: Annotated[str, Meta(description="账户所有者：用户、密钥或提供商的 ID")]
    unit: Annotated[str, Meta(description="单位：币种，或 text_token、image、audio_ms、video_ms")]
    part: Annotated[str, Meta(description="permanent、monthly:2026-11 等；没有分部为空")]
    amount: Annotated[int, Meta(description="数额，单位的最小部分（金额为 10 的 -12 次方）")]


class UsageRecordDetails(UsageRecordFacts, frozen=True):
    """One call with all that its journal line says."""

    request_type: Annotated[str | None, Meta(description="请求类型，例如 chat")]
    requested_model: Annotated[str | None, Meta(description="客户端写的 model")]
    upstream_model: Annotated[str | None, Meta(description="发给上游的模型名")]
    stream: Annotated[bool | None, Meta(description="是否流式")]
    service_tier: Annotated[str | None, Meta(description="上游实际提供的服务等级")]
    price_version: Annotated[str | None, Meta(description="计费所用的价格版本")]
    session_id: Annotated[str | None, Meta(description="会话 ID")]
    end_user: Annotated[str | None, Meta(description="请求中的 user 字段")]
    client_ip: Annotated[str | None, Meta(description="客户端地址")]
    user_agent: Annotated[str | None, Meta(description="客户端程序")]
    flags: Annotated[tuple[str, ...], Meta(description="需要注意之处，例如 unpriced:input_token")]
    rates: Annotated[tuple[ExchangeUsed, ...], Meta(description="记录上保存的汇率")]
    postings: Annotated[tuple[PostingFacts, ...], Meta(description="从哪些账户扣了多少")]


class RecordTotals(Told, frozen=True):
    """Sums over all records of a filter, not only those of the page."""

    call_count: Annotated[int, Meta(description="调用次数")]
    success_count: Annotated[int, Meta(description="成功次数")]
    failed_count: Annotated[int, Meta(description="失败次数")]
    total_tokens: Annotated[int | None, Meta(description="总 Token 数；按状态筛选时不汇总，为空")]
    total_cost: Annotated[Decimal | None, Meta(description="计费币种的总费用；按状态筛选时不汇总，为空")]
    other_costs: Annotated[dict[str, Decimal], Meta(description="没有汇率、不能相加的费用：币种到金额")]


class UsageRecordPage(Told, frozen=True):
    """Records, newest first."""

    records: Annotated[tuple[UsageRecordFacts, ...], Meta(description="本页记录，新的在前")]
    total_elements: Annotated[int, Meta(description="符合条件的记录总数")]
    total_pages: Annotated[int, Meta(description="总页数")]
    current_page: Annotated[int | None, Meta(description="当前页，从 0 起；用 cursor 翻页时为空")]
    page_size: Annotated[int, Meta(description="每页条数")]
    next_cursor: Annotated[str | None, Meta(description="下一页的游标；没有更多为空。用它翻页，新记录到来时不重不漏")]
    search_complete: Annotated[
        bool, Meta(description="false：罕见的筛选组合读满了一页的上限，本页提前结束，用 nextCursor 继续")
    ]
    totals: Annotated[RecordTotals, Meta(description="全部符合条件记录的合计")]
    currency: Annotated[str, Meta(description="计费币种")]
    unconverted: Annotated[tuple[str, ...], Meta(description="没有汇率换成计费币种的币种")]
    complete: Annotated[bool, Meta(description="提问之前结束的调用是否都已入账")]


ANSWERS = (UsageRecordFacts, UsageRecordDetails, UsageRecordPage)
