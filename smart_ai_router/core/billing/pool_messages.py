"""What the page of prepaid pools is answered. The second guide's fields come first; ours follow."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from smart_ai_router.core.administration_messages import Told


class PoolFacts(Told, frozen=True):
    """What was paid in at a provider, and what is left of it."""

    id: Annotated[str, Meta(description="资源池 ID，即提供商 ID")]
    provider_id: Annotated[str, Meta(description="提供商 ID")]
    total_balance: Annotated[Decimal, Meta(description="总余额：最近一次充值后的余额；恒等于已使用加可用")]
    used_amount: Annotated[Decimal, Meta(description="已使用金额：自最近一次充值以来")]
    available_balance: Annotated[Decimal, Meta(description="可用余额；实际费用超过预留时可为负")]
    warning_threshold: Annotated[Decimal, Meta(description="预警阈值，百分比")]
    is_low_balance: Annotated[bool, Meta(description="是否低于预警阈值")]
    last_recharge_date: Annotated[str | None, Meta(description="最近一次充值的时刻，UTC")]
    last_check_date: Annotated[str | None, Meta(description="最近一次检查的时刻，UTC")]
    created_at: Annotated[str | None, Meta(description="何时建立，UTC；还没有资源池为空")]
    updated_at: Annotated[str | None, Meta(description="最近一次充值或检查的时刻，UTC")]
    balance_percentage: Annotated[Decimal, Meta(description="余额百分比：可用 ÷ 总余额 × 100，向下取两位小数")]
    provider_name: Annotated[str, Meta(description="提供商名称")]
    currency: Annotated[str, Meta(description="币种")]
    is_opened: Annotated[bool, Meta(description="是否已建立；没有资源池的提供商不受余额限制")]
    status: Annotated[str, Meta(description="sufficient、low、exhausted；没有资源池为 none")]
    status_text: Annotated[str, Meta(description="充足、不足、耗尽；没有资源池为 未设置")]
    models_off: Annotated[bool, Meta(description="模型是否因资费不足停用")]
    lent_amount: Annotated[Decimal, Meta(description="其中预留给网关、尚未结算的金额")]
    total_recharged: Annotated[Decimal, Meta(description="历次充值与更正之和")]
    total_used: Annotated[Decimal, Meta(description="历次调用之和")]
    days_left: Annotated[Decimal | None, Meta(description="按最近 7 天的用量还能用几天；没有用量为空")]
    open_alert_id: Annotated[int | None, Meta(description="未解决的告警；没有为空")]


class RechargeFacts(Told, frozen=True):
    """Money that was paid in."""

    id: Annotated[int, Meta(description="充值 ID")]
    provider_id: Annotated[str, Meta(description="提供商 ID")]
    recharge_amount: Annotated[Decimal, Meta(description="充值金额")]
    balance_before: Annotated[Decimal, Meta(description="充值前的余额")]
    balance_after: Annotated[Decimal, Meta(description="充值后的余额")]
    recharge_type: Annotated[str, Meta(description="manual")]
    operator_id: Annotated[str, Meta(description="操作人：充值时写明的，否则为登录的人")]
    remark: Annotated[str, Meta(description="备注")]
    created_at: Annotated[str, Meta(description="充值时刻，UTC")]
    currency: Annotated[str, Meta(description="币种")]


class RechargeOutcome(Told, frozen=True):
    """What a recharge came to."""

    recharge: Annotated[RechargeFacts, Meta(description="这次充值")]
    pool: Annotated[PoolFacts, Meta(description="充值后的资源池")]
    repeated: Annotated[bool, Meta(description="true：同一个 Idempotency-Key 已经充过，没有再充")]


class RechargePage(Told, frozen=True):
    """Recharges, newest first."""

    recharges: Annotated[tuple[RechargeFacts, ...], Meta(description="充值记录，最新的在前")]
    total_elements: Annotated[int, Meta(description="总数")]
    total_pages: Annotated[int, Meta(description="总页数")]
    current_page: Annotated[int, Meta(description="当前页，从 0 开始")]
    page_size: Annotated[int, Meta(description="每页条数")]


class PoolAlertFacts(Told, frozen=True):
    """An alert of a pool."""

    id: Annotated[int, Meta(description="告警 ID")]
    provider_id: Annotated[str, Meta(description="提供商 ID")]
    alert_type: Annotated[str, Meta(description="low_balance 低余额、insufficient_balance 余额不足")]
    alert_level: Annotated[str, Meta(description="warning 警告、critical 严重")]
    balance_percentage: Annotated[Decimal, Meta(description="当时的余额百分比")]
    available_balance: Annotated[Decimal, Meta(description="当时的可用余额")]
    message: Annotated[str, Meta(description="告警文字")]
    is_resolved: Annotated[bool, Meta(description="是否已解决")]
    resolved_at: Annotated[str | None, Meta(description="解决时刻，UTC")]
    resolved_by: Annotated[str | None, Meta(description="谁解决的；自动解决为 system")]
    created_at: Annotated[str, Meta(description="何时发生，UTC")]
    provider_name: Annotated[str, Meta(description="提供商名称")]
    currency: Annotated[str, Meta(description="币种")]
    raised_at: Annotated[str, Meta(description="最近一次变化的时刻，UTC")]


class PoolCheck(Told, frozen=True):
    """What looking at every pool came to."""

    message: Annotated[str, Meta(description="资源池检查已完成")]
    pools: Annotated[int, Meta(description="检查了几个资源池")]
    alerts: Annotated[int, Meta(description="新的或升级的告警数")]


class ExchangeRateFacts(Told, frozen=True):
    """A dated exchange rate: 1 base = rate quote."""

    base: Annotated[str, Meta(description="原币种")]
    quote: Annotated[str, Meta(description="换成的币种")]
    rate: Annotated[Decimal, Meta(description="1 base 等于多少 quote")]
    effective_from: Annotated[str, Meta(description="从何时起有效，UTC")]
    source: Annotated[str, Meta(description="来源")]


ANSWERS = (
    PoolFacts, RechargeFacts, RechargeOutcome, RechargePage, PoolAlertFacts, PoolCheck, ExchangeRateFacts,
)  # fmt: skip
