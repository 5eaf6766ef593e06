"""What the pages of providers and models are answered. The second guide's fields come first; ours follow."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from smart_ai_router.core.administration_messages import Asked, Told


class Switching(Asked, frozen=True):
    """A model, or all of a provider's, to switch off or on by hand."""

    enabled: Annotated[bool, Meta(description="false 停用，true 恢复；因余额或预算而停用的不受影响")]
    reason: Annotated[str, Meta(description="停用原因，显示在模型状态中")] = ""


class ProviderFacts(Told, frozen=True):
    """A provider that channels are configured for."""

    id: Annotated[str, Meta(description="提供商 ID")]
    name: Annotated[str, Meta(description="代码，同 ID")]
    display_name: Annotated[str, Meta(description="显示名称")]
    enabled: Annotated[bool, Meta(description="是否启用：配置启用，且没有整体停用")]
    created_at: Annotated[str | None, Meta(description="创建时间；来自配置文件的为空")]
    updated_at: Annotated[str | None, Meta(description="修改时间；来自配置文件的为空")]
    status_text: Annotated[str, Meta(description="状态文字：启用、禁用，或停用原因")]
    dialect: Annotated[str, Meta(description="接口方言，例如 openai")]
    base_url: Annotated[str, Meta(description="接口地址")]
    region: Annotated[str | None, Meta(description="区域")]
    channel_count: Annotated[int, Meta(description="渠道数")]
    model_count: Annotated[int, Meta(description="模型数")]


class ModelChannel(Told, frozen=True):
    """A channel that serves a model."""

    channel_id: Annotated[str, Meta(description="渠道 ID")]
    channel_name: Annotated[str, Meta(description="渠道名称")]
    enabled: Annotated[bool, Meta(description="渠道是否启用")]
    upstream_model: Annotated[str, Meta(description="发给上游的模型名")]
    priority: Annotated[int, Meta(description="优先级，小的在前")]
    api_key: Annotated[str, Meta(description="上游密钥，已遮盖")]


class ModelPrice(Told, frozen=True):
    """A figure of a model's price list that is in force: the standard tier, without further conditions."""

    pricing_type: Annotated[str, Meta(description="计费类型")]
    unit_price: Annotated[Decimal, Meta(description="单价")]
    unit: Annotated[str, Meta(description="单位，例如 per_1m_tokens")]
    currency: Annotated[str, Meta(description="币种")]


class ModelFacts(Told, frozen=True):
    """A model of a provider, over all of its channels there."""

    id: Annotated[str, Meta(description="提供商 ID/模型名")]
    provider_id: Annotated[str, Meta(description="提供商 ID")]
    model_code: Annotated[str, Meta(description="模型名，即使用记录中的 modelId")]
    model_name: Annotated[str, Meta(description="显示名称，同模型名")]
    model_type: Annotated[str, Meta(description="种类：chat、embedding、image、audio、video、rerank、moderation")]
    enabled: Annotated[bool, Meta(description="现在能否调用")]
    provider: Annotated[str, Meta(description="提供商代码，同 providerId")]
    provider_name: Annotated[str, Meta(description="提供商名称")]
    capability: Annotated[str, Meta(description="能力类型，同 modelType")]
    api_key: Annotated[str, Meta(description="上游密钥，已遮盖")]
    base_url: Annotated[str, Meta(description="接口地址")]
    is_default: Annotated[bool, Meta(description="是否为默认模型；按策略路由，没有默认模型")]
    priority: Annotated[int, Meta(description="优先级，各渠道中最小的")]
    cost_per_token: Annotated[Decimal | None, Meta(description="每个输入 Token 的价格；没有价格为空")]
    is_active: Annotated[bool, Meta(description="同 enabled")]
    description: Annotated[str | None, Meta(description="说明")]
    created_at: Annotated[str | None, Meta(description="创建时间；来自配置文件的为空")]
    updated_at: Annotated[str | None, Meta(description="修改时间；来自配置文件的为空")]
    status: Annotated[str, Meta(description="enabled、disabled，或 no_money（资源池余额不足而停用）")]
    status_text: Annotated[str, Meta(description="状态文字：启用、禁用，或停用原因，例如 资费不足，暂不可用")]
    disabled_cause: Annotated[
        str | None,
        Meta(description="停用的原因：money 资源池、budget 每日预算、hand 手动、configuration 配置"),
    ]
    priced: Annotated[bool, Meta(description="是否有价格")]
    price_owner: Annotated[str | None, Meta(description="价格来自：channel、provider 或 book")]
    prices: Annotated[tuple[ModelPrice, ...], Meta(description="现行标准价格")]
    channels: Annotated[tuple[ModelChannel, ...], Meta(description="提供它的渠道，按优先级")]
    tags: Annotated[tuple[str, ...], Meta(description="标签")]
    context_tokens: Annotated[int | None, Meta(description="上下文长度")]
    output_tokens_max: Annotated[int | None, Meta(description="最大输出长度")]


ANSWERS = (ProviderFacts, ModelFacts)
REQUESTS = (Switching,)
