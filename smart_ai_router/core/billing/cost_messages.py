"""What the page of costs is answered. The second guide's fields come first, in its order; ours follow."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from smart_ai_router.core.administration_messages import Told


class CurrencyCost(Told, frozen=True):
    """An amount of one currency."""

    currency: Annotated[str, Meta(description="币种")]
    cost: Annotated[Decimal, Meta(description="金额")]


class CostRow(Told, frozen=True):
    """What one model of one provider did on one day, in one kind of use."""

    id: Annotated[str, Meta(description="行 ID：日期、提供商、模型、使用类型、币种")]
    stat_date: Annotated[str, Meta(description="统计日期，按 system.time_zone 的自然日")]
    provider_id: Annotated[str | None, Meta(description="提供商 ID；没有到达任何提供商的调用为空")]
    model_id: Annotated[str, Meta(description="模型 ID")]
    usage_type: Annotated[str, Meta(description="使用类型")]
    total_usage: Annotated[Decimal, Meta(description="总使用量，单位见 usageUnit")]
    total_cost: Annotated[Decimal, Meta(description="总成本，币种见 currency；有汇率时为计费币种（默认人民币元）")]
    call_count: Annotated[int, Meta(description="调用次数，含失败")]
    created_at: Annotated[str, Meta(description="这一行算出的时刻，UTC；今天的数字是实时的")]
    provider_name: Annotated[str | None, Meta(description="提供商名称")]
    model_name: Annotated[str, Meta(description="模型名称")]
    usage_unit: Annotated[str, Meta(description="totalUsage 的单位：token、image 或 second")]
    currency: Annotated[str, Meta(description="totalCost 的币种；没有汇率时即原币种，另成一行，绝不相加")]
    original_costs: Annotated[tuple[CurrencyCost, ...], Meta(description="换算之前的成本，按币种")]
    success_count: Annotated[int, Meta(description="成功次数")]
    failed_count: Annotated[int, Meta(description="失败次数")]
    input_tokens: Annotated[int, Meta(description="输入 Token 数")]
    output_tokens: Annotated[int, Meta(description="输出 Token 数")]
    cached_tokens: Annotated[int, Meta(description="输入中命中缓存的 Token 数")]
    unpriced_count: Annotated[int, Meta(description="没有价格、成本未知的调用次数")]
    estimated_count: Annotated[int, Meta(description="用量为估计值的调用次数")]


class CostGroup(Told, frozen=True):
    """What one group did."""

    key: Annotated[str, Meta(description="组：日期、提供商、模型、使用类型、用户、标签等；(none) 表示没有")]
    name: Annotated[str, Meta(description="显示名称")]
    call_count: Annotated[int, Meta(description="调用次数，含失败")]
    success_count: Annotated[int, Meta(description="成功次数")]
    failed_count: Annotated[int, Meta(description="失败次数")]
    input_tokens: Annotated[int, Meta(description="输入 Token 数")]
    output_tokens: Annotated[int, Meta(description="输出 Token 数")]
    total_tokens: Annotated[int, Meta(description="总 Token 数")]
    cached_tokens: Annotated[int, Meta(description="输入中命中缓存的 Token 数")]
    image_count: Annotated[int, Meta(description="图片数")]
    media_seconds: Annotated[Decimal, Meta(description="音频与视频秒数")]
    total_cost: Annotated[Decimal, Meta(description="计费币种的成本")]
    other_costs: Annotated[dict[str, Decimal], Meta(description="没有汇率、不能相加的成本：币种到金额")]
    percentage: Annotated[Decimal, Meta(description="占 totals.totalCost 的百分比，两位小数")]
    unpriced_count: Annotated[int, Meta(description="没有价格、成本未知的调用次数")]
    estimated_count: Annotated[int, Meta(description="用量为估计值的调用次数")]


class CostSummary(Told, frozen=True):
    """Costs of some days by one dimension, the largest first (days in their order)."""

    start_date: Annotated[str, Meta(description="第一天，含")]
    end_date: Annotated[str, Meta(description="最后一天，含")]
    group_by: Annotated[str, Meta(description="分组维度")]
    rows: Annotated[tuple[CostGroup, ...], Meta(description="各组，成本高的在前；按日期分组时按日期")]
    row_count: Annotated[int, Meta(description="组数")]
    truncated: Annotated[bool, Meta(description="组数多于 limit，只列出前面的")]
    overlapping: Annotated[bool, Meta(description="一次调用可能计入多组（每个标签一次），各组之和会大于合计")]
    totals: Annotated[CostGroup, Meta(description="合计；每次调用只计一次")]
    currency: Annotated[str, Meta(description="计费币种")]
    unconverted: Annotated[tuple[str, ...], Meta(description="没有汇率换成计费币种的币种")]
    complete: Annotated[bool, Meta(description="提问之前结束的调用是否都已入账")]


class CostAggregation(Told, frozen=True):
    """What bringing the sums of some days up to date came to."""

    success: Annotated[bool, Meta(description="账目是否已跟上日志")]
    message: Annotated[str, Meta(description="说明")]
    start_date: Annotated[str, Meta(description="第一天，含")]
    end_date: Annotated[str, Meta(description="最后一天，含")]
    date: Annotated[str | None, Meta(description="只汇总一天时的日期")]
    days: Annotated[int | None, Meta(description="请求的天数")]
    rows: Annotated[int, Meta(description="成本行数")]
    call_count: Annotated[int, Meta(description="调用次数")]


ANSWERS = (CostRow, CostSummary, CostAggregation)
