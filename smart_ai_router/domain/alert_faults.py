"""What an upstream's answer means to the monitor: a fault, or a bare HTTP status, as a sign of trouble."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from smart_ai_router.domain.alert_words import (
    AlertKind,
    api_key_invalid_message,
    low_balance_message,
    quota_exhausted_message,
    utc_text,
)
from smart_ai_router.domain.alerts import Trouble, severity_of
from smart_ai_router.domain.faults import Fault, FaultKind

_KIND_OF_FAULT: Final = {
    FaultKind.API_KEY_INVALID: AlertKind.API_KEY_INVALID,
    FaultKind.QUOTA_EXHAUSTED: AlertKind.QUOTA_EXHAUSTED,
    FaultKind.LOW_BALANCE: AlertKind.LOW_BALANCE,
    FaultKind.RATE_LIMIT: AlertKind.RATE_LIMIT,
    FaultKind.SERVER_ERROR: AlertKind.SERVER_ERROR,
    FaultKind.REQUEST_REFUSED: None,  # the client's doing: it says nothing about the channel
}

_TEXT_LENGTH_MAX: Final = 2000  # bounds the search for words, whatever an upstream sends
_QUOTA_WORDS: Final = ("quota", "balance", "配额", "额度", "余额", "欠费")
_BALANCE_WORDS: Final = ("balance", "insufficient fund", "credit", "arrear", "overdue", "余额", "欠费")


def trouble_of_fault(channel_name: str, fault: Fault, now: float) -> Trouble | None:
    """The sign of trouble that a failed try is; None when the fault blames the request.

    Connections that fail and replies that make no sense are `api_error`, with the fault's own kind in the details.
    The details open with what the dialect found (`remaining_requests`, `reset_time`, ...).
    """
    kind = _KIND_OF_FAULT.get(fault.kind, AlertKind.API_ERROR)
    if kind is None:
        return None
    details: dict[str, object] = dict(fault.details)
    if fault.retry_after_s is not None and kind is AlertKind.QUOTA_EXHAUSTED:
        details.setdefault("reset_time", utc_text(round(now + fault.retry_after_s)))
    if fault.retry_after_s is not None and kind is AlertKind.RATE_LIMIT:
        details.setdefault("retry_after_s", round(fault.retry_after_s))
    if fault.status is not None:
        details["status_code"] = fault.status
    details["error_message"] = fault.message
    if fault.kind.value != kind.value:
        details["fault"] = fault.kind.value
    return Trouble(kind, _message_of(channel_name, kind, fault), details, severity_of(kind))


def fault_of_answer(status_code: int, error_text: str) -> Fault:
    """The fault that a bare HTTP status and its error text speak of, where no dialect has read the answer.

    401 is a bad key; 429 that speaks of quota or balance is an empty quota; 402, and 403 that speaks of money, is
    an empty balance (402 is Payment Required, RFC 9110 section 15.5.3).
    """
    return Fault(_kind_of_answer(status_code, error_text[:_TEXT_LENGTH_MAX].lower()), error_text, status_code)


def _kind_of_answer(status_code: int, text: str) -> FaultKind:
    if status_code == 401:
        return FaultKind.API_KEY_INVALID
    if status_code == 429:
        return FaultKind.QUOTA_EXHAUSTED if _speaks_of(text, _QUOTA_WORDS) else FaultKind.RATE_LIMIT
    if status_code == 402:
        return FaultKind.QUOTA_EXHAUSTED if "quota" in text else FaultKind.LOW_BALANCE
    if status_code == 403 and _speaks_of(text, _BALANCE_WORDS):
        return FaultKind.LOW_BALANCE
    return FaultKind.SERVER_ERROR if status_code >= 500 else FaultKind.API_ERROR


def _message_of(channel_name: str, kind: AlertKind, fault: Fault) -> str:
    if kind is AlertKind.QUOTA_EXHAUSTED:
        return quota_exhausted_message(channel_name)
    if kind is AlertKind.API_KEY_INVALID:
        return api_key_invalid_message(channel_name)
    if kind is AlertKind.LOW_BALANCE:
        return low_balance_message(channel_name, _amount(fault.details.get("remaining_balance")))
    return fault.message or f"渠道 {channel_name} 调用失败: {fault.kind.value}"


def _amount(value: str | int | None) -> Decimal | None:
    try:
        amount = None if value is None else Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None


def _speaks_of(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)
