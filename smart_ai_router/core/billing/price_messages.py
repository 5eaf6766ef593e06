"""What the page of prices takes and is answered. The second guide's fields come first; ours follow."""

from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from smart_ai_router.core.administration_messages import Asked, Told


class NewPricing(Asked, frozen=True):
    """A price to set for a model: a new version beside the older ones."""

    model_id: Annotated[str, Meta(description="模型名")]
    pricing_type: Annotated[
        str,
        Meta(
            description="计费类型：input_token、output_token、image、audio_tts、audio_minute、video_second，"
            "或价目表的单位词，如 cached_input"
        ),
    ]
    unit_price: Annotated[Decimal, Meta(description="单价，普通数字，如 0.002")]
    unit: Annotated[
        str | None,
        Meta(
            description="单位：per_1k_tokens、per_1m_tokens、per_image、per_10k_chars、per_minute、per_second、"
            "per_second_720p、per_second_1080p；不写为该类型的第一个"
        ),
    ] = None
    min_charge_unit: Annotated[Decimal | None, Meta(description="最少计费多少个单位")] = None
    effective_date: Annotated[str | None, Meta(description="何时生效，如 2026-12-01 或带时区的时刻；不写为立即")] = None
    expiry_date: Annotated[
        str | None, Meta(description="何时失效：到时恢复为之前的价格；不写则一直有效，直到新的版本")
    ] = None
    is_active: Annotated[bool, Meta(description="只能为 true：价格只追加，不存放不生效的价格")] = True
    provider_id: Annotated[str | None, Meta(description="提供商；只有一个提供商有此模型时可不写")] = None
    channel_id: Annotated[str | None, Meta(description="只给这个渠道；不写为整个提供商")] = None
    region: Annotated[str | None, Meta(description="只给这个区域")] = None
    currency: Annotated[str | None, Meta(description="币种；不写为现行价格的币种，没有则为计费币种")] = None
    service_tier: Annotated[str, Meta(description="服务等级：standard、batch、flex、priority")] = "standard"
    source: Annotated[str, Meta(description="价格来源，供日后查证")] = "operator"
    confirm: Annotated[bool, Meta(description="看起来像写错单位的价格，确认后再设")] = False


class PricingEdit(Asked, frozen=True):
    """A new version of a figure that stands; what is left out stays as it is."""

    unit_price: Annotated[Decimal, Meta(description="新的单价")]
    unit: Annotated[str | None, Meta(description="单位；不写则不变")] = None
    min_charge_unit: Annotated[
        Decimal | UnsetType | None, Meta(description="最少计费多少个单位；null 为取消，不写则不变")
    ] = UNSET
    effective_date: Annotated[str | None, Meta(description="何时生效；不写为立即")] = None
    expiry_date: Annotated[str | None, Meta(description="何时失效：到时恢复为之前的价格")] = None
    is_active: Annotated[bool, Meta(description="只能为 true")] = True
    model_id: Annotated[str | None, Meta(description="若写，须与原来相同")] = None
    pricing_type: Annotated[str | None, Meta(description="若写，须与原来相同")] = None
    currency: Annotated[str | None, Meta(description="币种；不写则不变")] = None
    source: Annotated[str, Meta(description="价格来源")] = "operator"
    confirm: Annotated[bool, Meta(description="看起来像写错单位的价格，确认后再设")] = False


class PricingRow(Told, frozen=True):
    """One version of one figure of a price list."""

    id: Annotated[str, Meta(description="价格版本 ID，与账单行的 priceVersion 相同")]
    model_id: Annotated[str, Meta(description="模型名，或带一个 * 的模式")]
    pricing_type: Annotated[str, Meta(description="计费类型")]
    unit_price: Annotated[Decimal, Meta(description="单价，币种见 currency")]
    unit: Annotated[str, Meta(description="单位，例如 per_1m_tokens")]
    min_charge_unit: Annotated[Decimal | None, Meta(description="最少计费多少个单位")]
    effective_date: Annotated[str | None, Meta(description="何时生效，UTC；空表示一直")]
    expiry_date: Annotated[str | None, Meta(description="何时失效，UTC：自己的期限，或下一个版本开始之时")]
    is_active: Annotated[bool, Meta(description="现在是否按它计费")]
    created_at: Annotated[str | None, Meta(description="何时录入，UTC；随程序或配置文件而来的为空")]
    updated_at: Annotated[str | None, Meta(description="同 createdAt：价格只追加，从不修改")]
    provider_id: Annotated[str, Meta(description="提供商 ID")]
    provider_name: Annotated[str, Meta(description="提供商名称")]
    models: Annotated[tuple[str, ...], Meta(description="现在按它计费的已配置模型")]
    owner: Annotated[str, Meta(description="谁的价格：channel、provider（自己录入）或 book（随程序）")]
    channel_id: Annotated[str | None, Meta(description="渠道自己的价格：渠道 ID")]
    region: Annotated[str | None, Meta(description="区域")]
    meter: Annotated[str, Meta(description="计量项")]
    per: Annotated[int, Meta(description="单价对应的数量")]
    currency: Annotated[str, Meta(description="币种")]
    service_tier: Annotated[str, Meta(description="服务等级")]
    variant: Annotated[str, Meta(description="规格，例如 720p；空表示任意")]
    context_over: Annotated[int, Meta(description="输入 Token 超过此数才适用；0 为不限")]
    output_over: Annotated[int, Meta(description="输出 Token 超过此数才适用；0 为不限")]
    with_reasoning: Annotated[bool, Meta(description="只在有推理 Token 时适用")]
    window_utc: Annotated[tuple[int, int] | None, Meta(description="一天中的时段（UTC 分钟）；空为全天")]
    weekdays_utc: Annotated[tuple[int, ...] | None, Meta(description="星期几，0 为周一；空为每天")]
    minimum_charge: Annotated[Decimal | None, Meta(description="每行最低收费")]
    round_up_to: Annotated[Decimal | None, Meta(description="数量向上取整到它的倍数")]
    source: Annotated[str, Meta(description="价格来源")]
    checked: Annotated[str, Meta(description="核对日期")]


class PricePreview(Told, frozen=True):
    """What the calls of some days would have cost at a new price, beside what they cost now and did cost."""

    provider_id: Annotated[str, Meta(description="提供商 ID")]
    model_id: Annotated[str, Meta(description="模型名")]
    start_date: Annotated[str, Meta(description="第一天，含")]
    end_date: Annotated[str, Meta(description="最后一天，含")]
    call_count: Annotated[int, Meta(description="调用次数")]
    total_tokens: Annotated[int, Meta(description="总 Token 数")]
    currency: Annotated[str, Meta(description="下列金额的币种")]
    recorded_cost: Annotated[Decimal | None, Meta(description="账上记下的成本；与 currency 不能换算为空")]
    current_cost: Annotated[Decimal | None, Meta(description="同样的用量按现行价格的成本；没有价格或不能换算为空")]
    new_cost: Annotated[Decimal, Meta(description="同样的用量按新价格的成本")]
    difference: Annotated[Decimal | None, Meta(description="newCost 减 currentCost")]
    percentage: Annotated[Decimal | None, Meta(description="变化的百分比，两位小数")]
    accurate: Annotated[
        bool,
        Meta(
            description="按现行价格算出的与账上的一分不差；否则用量的合计不足以重算（分档、取整、时段、价格变过），为近似"
        ),
    ]
    old: Annotated[PricingRow | None, Meta(description="被取代的版本")]
    new: Annotated[PricingRow, Meta(description="新的版本")]
    unlikely: Annotated[bool, Meta(description="看起来像写错了单位")]
    complete: Annotated[bool, Meta(description="提问之前结束的调用是否都已入账")]


ANSWERS = (PricingRow, PricePreview)
REQUESTS = (NewPricing, PricingEdit)
