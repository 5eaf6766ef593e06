"""What is asked of the books of money. JSON names are in camel case, as in the second guide; amounts are exact decimals
as people write them: units of a currency, tokens, images, minutes of sound, seconds of video.
"""

from decimal import Decimal

from smart_ai_router.core.administration_messages import Asked


class NewPool(Asked, frozen=True):
    """A pool to open, or another level for its warning."""

    threshold_percent: Decimal | None = None  # two decimals; 10 when left out
    currency: str | None = None  # the billing currency when left out; of a pool that stands it cannot be changed


class NewRecharge(Asked, frozen=True):
    """Money that was paid in at a provider."""

    amount: Decimal
    remark: str = ""
    operator_id: str | None = None
    currency: str | None = None


class PoolAdjustment(Asked, frozen=True):
    """A correction of a pool, up or down."""

    amount: Decimal
    remark: str = ""


class NewGrant(Asked, frozen=True):
    """Quota for one user: money, text_token, image, audio or video."""

    quota_type: str
    amount: Decimal
    source: str = "admin_grant"
    description: str = "管理员手动分配"
    reference_id: str | None = None
    currency: str | None = None  # of money; the user's own when left out


class QuotaAdjustment(Asked, frozen=True):
    """A correction of what a user was given, up or down; of the permanent part, or of a month such as 2026-11."""

    quota_type: str
    amount: Decimal
    remark: str = ""
    month: str | None = None


class NewRecurringGrant(Asked, frozen=True):
    """What a user is given at the beginning of each month, from the present one on; 0 ends it."""

    quota_type: str
    amount: Decimal
    currency: str | None = None


class NewBatchGrant(Asked, frozen=True):
    """Quota for every enabled user."""

    text_token_per_user: int = 100_000
    image_count_per_user: int = 20
    source: str = "admin_grant"
    description: str = "批量分配"


class NewQuotaCurrency(Asked, frozen=True):
    """What a user is charged in."""

    currency: str


class NewKeyBudget(Asked, frozen=True):
    """What a key may be charged; a period of None takes the limit away."""

    amount: Decimal
    period: str | None = "for_ever"  # for_ever | monthly | daily
    currency: str | None = None


class NewEnforcement(Asked, frozen=True):
    """Whether callers without quota are refused."""

    enabled: bool


class NewExchangeRate(Asked, frozen=True):
    """One unit of `base` is `rate` units of `quote`."""

    base: str
    quote: str
    rate: Decimal
    effective_from: str | None = None  # at once when left out
    source: str = "operator"


class ModelSwitching(Asked, frozen=True):
    """A provider's model, or "*" for all, to switch off or on."""

    enabled: bool
    reason: str = ""


class AlertResolution(Asked, frozen=True):
    """That somebody has seen to an alert."""

    resolved_by: str | None = None


class CallRefund(Asked, frozen=True):
    """What to give back of a call: all that its user and key were charged, or what its pool was; or both."""

    side: str = "user"  # user | pool | all
    remark: str = ""


REQUESTS = (
    NewPool,
    NewRecharge,
    PoolAdjustment,
    NewGrant,
    QuotaAdjustment,
    NewRecurringGrant,
    NewBatchGrant,
    NewQuotaCurrency,
    NewKeyBudget,
    NewEnforcement,
    NewExchangeRate,
    ModelSwitching,
    AlertResolution,
    CallRefund,
)
