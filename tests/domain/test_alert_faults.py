"""What answers and faults mean: contract A6 and decision C7, row by row."""

import pytest

from smart_ai_router.domain.alert_faults import fault_of_answer, trouble_of_fault
from smart_ai_router.domain.alerts import Severity
from smart_ai_router.domain.faults import Fault, FaultKind

NOON = 1_763_812_800.0


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (401, "invalid key", "api_key_invalid"),
        (401, "quota", "api_key_invalid"),
        (429, "You exceeded your current quota", "quota_exhausted"),
        (429, "Insufficient BALANCE", "quota_exhausted"),
        (429, "余额不足或无可用资源包", "quota_exhausted"),
        (429, "额度已用完", "quota_exhausted"),
        (429, "Too many requests", "rate_limit"),
        (429, "", "rate_limit"),
        (402, "Insufficient Balance", "low_balance"),  # SAR called it api_error (W14)
        (402, "", "low_balance"),
        (402, "monthly quota reached", "quota_exhausted"),
        (403, "Your account balance is insufficient", "low_balance"),
        (403, "AccountOverdueError: overdue", "low_balance"),
        (403, "country not supported", "api_error"),
        (499, "", "api_error"),
        (500, "", "server_error"),
        (503, "quota service down", "server_error"),
        (404, "no such model", "api_error"),
        (400, "bad request", "api_error"),
    ],
)
def test_m1_24_m1_25_m1_26_an_answer_is_classed_by_status_and_words(status: int, text: str, kind: str) -> None:
    fault = fault_of_answer(status, text)
    trouble = trouble_of_fault("Name", fault, NOON)
    assert trouble is not None
    assert (trouble.kind, fault.status, fault.message) == (kind, status, text)


@pytest.mark.parametrize(
    ("kind", "alert_type"),
    [
        (FaultKind.CONNECT_FAILED, "api_error"),
        (FaultKind.TLS_FAILED, "api_error"),
        (FaultKind.TIMEOUT, "api_error"),
        (FaultKind.RESET, "api_error"),
        (FaultKind.MALFORMED, "api_error"),
        (FaultKind.MODEL_MISSING, "api_error"),
        (FaultKind.API_ERROR, "api_error"),
        (FaultKind.SERVER_ERROR, "server_error"),
        (FaultKind.RATE_LIMIT, "rate_limit"),
        (FaultKind.API_KEY_INVALID, "api_key_invalid"),
        (FaultKind.QUOTA_EXHAUSTED, "quota_exhausted"),
        (FaultKind.LOW_BALANCE, "low_balance"),
        (FaultKind.REQUEST_REFUSED, None),
    ],
)
def test_every_fault_has_its_alert_except_the_clients_own(kind: FaultKind, alert_type: str | None) -> None:
    trouble = trouble_of_fault("Name", Fault(kind, "words"), NOON)
    assert (trouble.kind if trouble else None) == alert_type


def test_the_table_of_faults_is_whole() -> None:
    assert all(trouble_of_fault("N", Fault(kind, ""), NOON) for kind in FaultKind if kind != "request_refused")


def test_m1_30_m1_31_an_empty_quota_has_the_guides_words_and_details() -> None:
    fault = Fault(
        FaultKind.QUOTA_EXHAUSTED,
        "quota",
        status=429,
        details={"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"},
    )
    trouble = trouble_of_fault("OpenAI Official", fault, NOON)
    assert trouble is not None
    assert trouble.message == "渠道 OpenAI Official 配额已用完"
    assert list((trouble.details or {}).items())[:2] == [
        ("remaining_requests", 0),
        ("reset_time", "2025-08-25T00:00:00Z"),
    ]
    assert trouble.severity is Severity.CRITICAL


def test_retry_after_tells_the_reset_time_of_a_quota_that_names_none() -> None:
    trouble = trouble_of_fault("N", Fault(FaultKind.QUOTA_EXHAUSTED, "quota", 429, retry_after_s=90.0), NOON)
    assert trouble is not None
    assert (trouble.details or {})["reset_time"] == "2025-11-22T12:01:30Z"


def test_a_bad_key_says_what_the_provider_said() -> None:
    trouble = trouble_of_fault("Name", Fault(FaultKind.API_KEY_INVALID, "Incorrect API key", 401), NOON)
    assert trouble is not None
    assert trouble.message == "渠道 Name API密钥无效或已过期"
    assert trouble.details == {"status_code": 401, "error_message": "Incorrect API key"}


def test_a_rate_limit_says_when_to_come_back_in_the_providers_words() -> None:
    trouble = trouble_of_fault("N", Fault(FaultKind.RATE_LIMIT, "slow down", 429, retry_after_s=2.4), NOON)
    assert trouble is not None
    assert trouble.message == "slow down"
    assert trouble.details == {"retry_after_s": 2, "status_code": 429, "error_message": "slow down"}


@pytest.mark.parametrize(
    ("remaining", "message"),
    [
        ("0.12", "渠道 N 余额不足，剩余: $0.1200"),
        (3, "渠道 N 余额不足，剩余: $3.0000"),
        (None, "渠道 N 余额不足"),
        ("unknown", "渠道 N 余额不足"),
        ("NaN", "渠道 N 余额不足"),
    ],
)
def test_m1_25_an_empty_account_names_what_is_left_when_it_is_known(remaining: str | int | None, message: str) -> None:
    details = {} if remaining is None else {"remaining_balance": remaining}
    trouble = trouble_of_fault("N", Fault(FaultKind.LOW_BALANCE, "Insufficient Balance", 402, details=details), NOON)
    assert trouble is not None
    assert trouble.message == message


def test_a_connection_that_failed_names_its_kind_and_never_says_nothing() -> None:
    trouble = trouble_of_fault("N", Fault(FaultKind.TIMEOUT, ""), NOON)
    assert trouble is not None
    assert trouble.details == {"error_message": "", "fault": "timeout"}
    assert trouble.message == "渠道 N 调用失败: timeout"
