"""What the pages of quotas are answered. The second guide's fields come first; ours follow."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from smart_ai_router.core.administration_messages import Told


class UserQuotaFacts(Told, frozen=True):
    """A user's quota. Sound is counted in minutes, video in seconds."""

    id: Annotated[str, Meta(description="配额 ID，即用户 ID")]
    user_id: Annotated[str, Meta(description="用户 ID")]
    text_token_total: Annotated[Decimal, Meta(description="文本 Token：永久配额")]
    text_token_used: Annotated[Decimal, Meta(description="文本 Token：永久已用")]
    text_token_monthly_quota: Annotated[Decimal, Meta(description="文本 Token：本月配额")]
    text_token_monthly_used: Annotated[Decimal, Meta(description="文本 Token：本月已用")]
    image_quota_total: Annotated[Decimal, Meta(description="图片：永久配额")]
    image_quota_used: Annotated[Decimal, Meta(description="图片：永久已用")]
    image_quota_monthly: Annotated[Decimal, Meta(description="图片：本月配额")]
    image_quota_monthly_used: Annotated[Decimal, Meta(description="图片：本月已用")]
    audio_quota_total: Annotated[Decimal, Meta(description="音频分钟：永久配额")]
    audio_quota_used: Annotated[Decimal, Meta(description="音频分钟：永久已用")]
    audio_quota_monthly: Annotated[Decimal, Meta(description="音频分钟：本月配额")]
    audio_quota_monthly_used: Annotated[Decimal, Meta(description="音频分钟：本月已用")]
    video_quota_total: Annotated[Decimal, Meta(description="视频秒：永久配额")]
    video_quota_used: Annotated[Decimal, Meta(description="视频秒：永久已用")]
    video_quota_monthly: Annotated[Decimal, Meta(description="视频秒：本月配额")]
    video_quota_monthly_used: Annotated[Decimal, Meta(description="视频秒：本月已用")]
    last_reset_date: Annotated[str, Meta(description="上次重置日期：本月一日")]
    money_total: Annotated[Decimal, Meta(description="金额：永久配额")]
    money_used: Annotated[Decimal, Meta(description="金额：永久已用")]
    money_monthly: Annotated[Decimal, Meta(description="金额：本月配额")]
    money_monthly_used: Annotated[Decimal, Meta(description="金额：本月已用")]
    currency: Annotated[str, Meta(description="金额的币种")]
    month: Annotated[str, Meta(description="本月，例如 2026-11")]
    text_token_available: Annotated[Decimal, Meta(description="文本 Token：可用")]
    image_available: Annotated[Decimal, Meta(description="图片：可用")]
    audio_available: Annotated[Decimal, Meta(description="音频分钟：可用")]
    video_available: Annotated[Decimal, Meta(description="视频秒：可用")]
    money_available: Annotated[Decimal, Meta(description="金额：可用")]
    is_limited: Annotated[bool, Meta(description="是否有任何配额；没有则不受限制")]
    enforced: Annotated[bool, Meta(description="配额不足时是否拒绝调用")]


class QuotaMovement(Told, frozen=True):
    """What was given to a part of a quota, or taken of it."""

    created_at: Annotated[str, Meta(description="时刻，UTC")]
    quota_type: Annotated[str, Meta(description="money、text_token、image、audio 或 video")]
    part: Annotated[str, Meta(description="permanent 永久，或月份，例如 monthly:2026-11")]
    transaction_type: Annotated[str, Meta(description="grant、adjust、usage、refund、reprice 或 expire")]
    amount: Annotated[Decimal, Meta(description="数量；负数为扣除")]
    request_id: Annotated[str | None, Meta(description="所属的调用")]
    operator_id: Annotated[str, Meta(description="操作人")]
    source: Annotated[str, Meta(description="来源，例如 admin_grant")]
    description: Annotated[str, Meta(description="说明")]


class QuotaHistory(Told, frozen=True):
    """Movements of one part, newest first."""

    records: Annotated[tuple[QuotaMovement, ...], Meta(description="变动记录，最新的在前")]
    next_cursor: Annotated[str | None, Meta(description="下一页的游标；没有为空")]


class QuotaCalculationFacts(Told, frozen=True):
    """How many users a pool can serve with so much each."""

    provider_id: Annotated[str, Meta(description="提供商 ID")]
    provider_name: Annotated[str, Meta(description="提供商名称")]
    available_balance: Annotated[Decimal, Meta(description="可用余额")]
    text_cost_per_user: Annotated[Decimal, Meta(description="每个用户的文本成本")]
    image_cost_per_user: Annotated[Decimal, Meta(description="每个用户的图片成本")]
    total_cost_per_user: Annotated[Decimal, Meta(description="每个用户的总成本")]
    max_users: Annotated[int | None, Meta(description="最多可服务的用户数；成本为零则不受限制，为空")]
    total_cost_for_all_users: Annotated[Decimal, Meta(description="现有用户的总成本")]
    remaining_balance: Annotated[Decimal, Meta(description="分配给现有用户后剩余；负数为不足")]
    total_users: Annotated[int, Meta(description="现有的启用用户数")]
    currency: Annotated[str, Meta(description="币种")]
    text_model: Annotated[str | None, Meta(description="按哪个文本模型的价格；默认最贵的")]
    image_model: Annotated[str | None, Meta(description="按哪个图片模型的价格；默认最贵的")]


class BatchGrantOutcome(Told, frozen=True):
    """What a grant to everybody came to: all of it, or nothing."""

    total_users: Annotated[int, Meta(description="用户总数")]
    success_count: Annotated[int, Meta(description="分配到的用户数")]
    fail_count: Annotated[int, Meta(description="停用而没有分配的用户数")]
    text_token_per_user: Annotated[int, Meta(description="每个用户的文本 Token")]
    image_count_per_user: Annotated[int, Meta(description="每个用户的图片数")]
    source: Annotated[str, Meta(description="来源")]
    description: Annotated[str, Meta(description="说明")]
    repeated: Annotated[bool, Meta(description="true：同一个 Idempotency-Key 已经分配过")]


class KeyBudgetFacts(Told, frozen=True):
    """What a key may be charged, and what it was."""

    key_id: Annotated[str, Meta(description="API 密钥 ID")]
    user_id: Annotated[str, Meta(description="密钥所属的用户")]
    name: Annotated[str, Meta(description="密钥名称")]
    is_limited: Annotated[bool, Meta(description="是否有预算；没有预算的密钥只受用户配额限制")]
    period: Annotated[str | None, Meta(description="for_ever 总共、monthly 每月、daily 每日；没有预算为空")]
    amount: Annotated[Decimal, Meta(description="每期的预算")]
    used: Annotated[Decimal, Meta(description="本期已用")]
    available: Annotated[Decimal, Meta(description="本期可用；可为负")]
    currency: Annotated[str, Meta(description="币种")]
    resets_on: Annotated[str | None, Meta(description="下一期的第一天；总预算为空")]


class KeyBudgetPage(Told, frozen=True):
    """Budgets of keys, by rising id of the key."""

    budgets: Annotated[tuple[KeyBudgetFacts, ...], Meta(description="密钥的预算")]
    next_cursor: Annotated[str | None, Meta(description="下一页的游标；没有为空")]


class RefundedPart(Told, frozen=True):
    """What one account got back."""

    account_kind: Annotated[str, Meta(description="user 用户、key 密钥、pool 资源池")]
    owner: Annotated[str, Meta(description="用户、密钥或提供商的 ID")]
    quota_type: Annotated[str, Meta(description="money、text_token、image、audio 或 video")]
    part: Annotated[str, Meta(description="permanent 永久，或某月某日；资源池为空")]
    amount: Annotated[Decimal, Meta(description="退回的数量")]
    currency: Annotated[str | None, Meta(description="金额的币种；不是金额为空")]


class RefundOutcome(Told, frozen=True):
    """What the refund of a call came to."""

    request_id: Annotated[str, Meta(description="调用的 requestId")]
    side: Annotated[str, Meta(description="user 用户与密钥、pool 资源池、all 两者")]
    refunded: Annotated[tuple[RefundedPart, ...], Meta(description="退回了什么")]
    repeated: Annotated[bool, Meta(description="true：同一个 Idempotency-Key 已经退过，没有再退")]


class EnforcementFacts(Told, frozen=True):
    """Whether callers without quota are refused."""

    enabled: Annotated[bool, Meta(description="是否拦截")]
    description: Annotated[str, Meta(description="说明")]


class EnforcementOutcome(Told, frozen=True):
    """What the switch came to."""

    enabled: Annotated[bool, Meta(description="是否拦截")]
    message: Annotated[str, Meta(description="结果")]


class QuotaStats(Told, frozen=True):
    """One unit of a user's quota in figures."""

    total_quota: Annotated[Decimal, Meta(description="总配额：永久加本月")]
    total_used: Annotated[Decimal, Meta(description="总已用")]
    total_available: Annotated[Decimal, Meta(description="总可用")]
    monthly_quota: Annotated[Decimal, Meta(description="本月配额")]
    monthly_used: Annotated[Decimal, Meta(description="本月已用")]
    monthly_actual_usage: Annotated[Decimal, Meta(description="本月实际用量：从本月配额扣除的")]
    monthly_available: Annotated[Decimal, Meta(description="本月可用")]
    plan_monthly_quota: Annotated[Decimal, Meta(description="每月配额")]
    permanent_quota: Annotated[Decimal, Meta(description="永久配额")]
    total_usage_rate: Annotated[Decimal, Meta(description="总使用率，百分比")]
    monthly_usage_rate: Annotated[Decimal, Meta(description="本月使用率，百分比")]


class UserStatistics(Told, frozen=True):
    """A user's own figures."""

    user_id: Annotated[str, Meta(description="用户 ID")]
    plan_name: Annotated[str | None, Meta(description="套餐；没有套餐")]
    plan_type: Annotated[str | None, Meta(description="套餐类型；没有套餐")]
    current_month: Annotated[str, Meta(description="本月，例如 2026-11")]
    last_reset_date: Annotated[str, Meta(description="上次重置日期：本月一日")]
    text_token_stats: Annotated[QuotaStats, Meta(description="文本 Token")]
    image_stats: Annotated[QuotaStats, Meta(description="图片")]
    audio_stats: Annotated[QuotaStats, Meta(description="音频分钟")]
    video_stats: Annotated[QuotaStats, Meta(description="视频秒")]
    money_stats: Annotated[QuotaStats, Meta(description="金额")]
    currency: Annotated[str, Meta(description="金额的币种")]


class UserStatisticsAnswer(Told, frozen=True):
    """The same in the second guide's envelope for users."""

    code: Annotated[int, Meta(description="200")]
    message: Annotated[str, Meta(description="success")]
    data: Annotated[UserStatistics, Meta(description="统计")]


ANSWERS = (
    UserQuotaFacts, QuotaHistory, QuotaMovement, QuotaCalculationFacts, BatchGrantOutcome, KeyBudgetFacts,
    KeyBudgetPage, RefundedPart, RefundOutcome, EnforcementFacts, EnforcementOutcome, QuotaStats, UserStatistics,
    UserStatisticsAnswer,
)  # fmt: skip
