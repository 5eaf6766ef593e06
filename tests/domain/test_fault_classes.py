"""Which fault an answer is: the vendors' real replies, one per row."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.fault_classes import classify_error_body, classify_fault
from smart_ai_router.domain.faults import FaultKind

NOW = 1_756_038_645.0  # 2025-08-24T12:30:45Z

QUOTA = FaultKind.QUOTA_EXHAUSTED
BALANCE = FaultKind.LOW_BALANCE
KEY = FaultKind.API_KEY_INVALID
RATE = FaultKind.RATE_LIMIT
MODEL = FaultKind.MODEL_MISSING
REFUSED = FaultKind.REQUEST_REFUSED
SERVER = FaultKind.SERVER_ERROR
OTHER = FaultKind.API_ERROR


def body(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def error(message: str, type_: str | None = None, code: object = None, **more: object) -> bytes:
    return body({"error": {"message": message, "type": type_, "param": None, "code": code, **more}})


def kind_of(status: int, data: bytes, headers: dict[str, str] | None = None) -> FaultKind:
    return classify_fault(status, headers or {}, data, NOW).kind


EXCEEDED = "You exceeded your current quota, please check your plan and billing details."
RELAYED = "https://help.aliyun.com/zh/model-studio/error-code#token-limit"
PER_DAY = [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]
PER_MINUTE = [{"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}, {"retryDelay": "34s"}]
GEMINI_KEY = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
REPLIES = [
    # OpenAI
    (401, error("Incorrect API key provided: sk-a.", "invalid_request_error", "invalid_api_key"), KEY),
    (429, error(EXCEEDED, "insufficient_quota", "insufficient_quota"), QUOTA),
    (429, error("Rate limit reached on tokens per min (TPM): Limit 30000", "tokens", "rate_limit_exceeded"), RATE),
    (404, error("The model `gpt-9` does not exist", "invalid_request_error", "model_not_found"), MODEL),
    (403, error("Project does not have access to model `o9`", "invalid_request_error", "model_not_found"), MODEL),
    (403, error("Country, region, or territory not supported", "request_forbidden", "unsupported_country"), OTHER),
    (400, error("Billing hard limit has been reached", "invalid_request_error", "billing_hard_limit_reached"), QUOTA),
    (400, error("maximum context length is 8192", "invalid_request_error", "context_length_exceeded"), REFUSED),
    (400, error("Invalid 'max_tokens': integer above maximum", "invalid_request_error", "integer_above_max"), REFUSED),
    (503, error("The engine is currently overloaded", "server_error"), SERVER),
    # DeepSeek
    (402, error("Insufficient Balance", "unknown_error", "invalid_request_error"), BALANCE),
    (401, error("Authentication Fails (no such user)", "authentication_error", "invalid_request_error"), KEY),
    (422, error("Failed to deserialize the JSON body", "invalid_request_error"), REFUSED),
    (400, error("Model Not Exist", "invalid_request_error", "invalid_request_error"), MODEL),
    # Moonshot
    (429, error("Your account is suspended, check your plan", "exceeded_current_quota_error"), QUOTA),
    (403, error("Your account is not active", "exceeded_current_quota_error"), QUOTA),
    (429, error("max organization concurrency: 1", "rate_limit_reached_error"), RATE),
    (429, error("The engine is currently overloaded", "engine_overloaded_error"), RATE),
    (401, error("Invalid Authentication", "invalid_authentication_error"), KEY),
    # SiliconFlow
    (403, body({"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}), BALANCE),
    (400, body({"code": 20012, "message": "Model does not exist. Please check it carefully.", "data": None}), MODEL),
    (400, body({"code": 20015, "message": "The parameter is invalid", "data": None}), REFUSED),
    (429, body({"message": "Request was rejected due to rate limiting. Details:TPM limit reached."}), RATE),
    (401, b'"Invalid token"', KEY),
    (503, body({"code": 50505, "message": "Model service overloaded.", "data": None}), SERVER),
    # OpenRouter
    (402, error("Insufficient credits. Add more", code=402), BALANCE),
    (429, error("Rate limit exceeded: free-models-per-day", code=429), RATE),
    (403, error("Your input was flagged", code=403, metadata={"reasons": ["x"], "flagged_input": "y"}), REFUSED),
    (403, error("Key limit exceeded (monthly quota reached)", code=403), QUOTA),
    (400, error("openai/gpt-99 is not a valid model ID", code=400), MODEL),
    (404, error("No endpoints found for x/y.", code=404), MODEL),
    (502, error("Provider returned error", code=502), SERVER),
    # Zhipu
    (429, body({"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}), BALANCE),
    (429, body({"error": {"code": "1302", "message": "您当前使用该API的并发数过高"}}), RATE),
    (429, body({"error": {"code": "1304", "message": "您已达到该API的每日调用次数限额"}}), QUOTA),
    (400, body({"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}), MODEL),
    (401, body({"error": {"code": "1002", "message": "Authorization Token非法"}}), KEY),
    (400, body({"error": {"code": "1301", "message": "系统检测到输入可能包含不安全内容"}}), REFUSED),
    # DashScope
    (
        400,
        error("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"),
        BALANCE,
    ),
    (429, body({"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded."}), RATE),
    (429, error("Allocated quota exceeded, please increase it", "insufficient_quota", "insufficient_quota"), RATE),
    (429, error(f"{EXCEEDED} See {RELAYED}", "insufficient_quota", "insufficient_quota"), RATE),
    (429, error("You exceeded your current requests list.", "limit_requests", "limit_requests"), RATE),
    (403, error("The free tier is exhausted.", "x", "AllocationQuota.FreeTierOnly"), QUOTA),
    (401, error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"), KEY),
    (400, error("Output data may contain inappropriate content.", "x", "data_inspection_failed"), REFUSED),
    (404, error("Model not exist.", "invalid_request_error", "model_not_found"), MODEL),
    # Volcengine
    (403, error("your account has an overdue balance", "Forbidden", "AccountOverdueError"), BALANCE),
    (404, error("The model or endpoint x does not exist", "NotFound", "InvalidEndpointOrModel.NotFound"), MODEL),
    (404, error("has not activated the model", "NotFound", "ModelNotOpen"), MODEL),
    (429, error("RPM limit exceeded", "TooManyRequests", "RateLimitExceeded.EndpointRPMExceeded"), RATE),
    (429, error("paused the model service", "TooManyRequests", "SetLimitExceeded"), QUOTA),
    (401, error("The API key is missing or invalid", "Unauthorized", "AuthenticationError"), KEY),
    # MiniMax
    (200, body({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}), BALANCE),
    (200, body({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}), RATE),
    (200, body({"base_resp": {"status_code": 2049, "status_msg": "invalid api key"}}), KEY),
    # one-api, new-api
    (403, error("用户额度不足, 剩余额度: ¥0", "new_api_error", "insufficient_user_quota"), QUOTA),
    (403, error("预扣费额度失败", "new_api_error", "pre_consume_token_quota_failed"), QUOTA),
    (503, error("当前分组下对于模型 x 无可用渠道", "new_api_error", "model_not_found"), MODEL),
    (401, error("无效的令牌", "new_api_error"), KEY),
    (403, error("not authorized to access the requested model", "new_api_error"), MODEL),
    # Anthropic
    (401, body({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}), KEY),
    (402, body({"type": "error", "error": {"type": "billing_error", "message": "x"}}), BALANCE),
    (400, error("Your credit balance is too low to access the Anthropic API.", "invalid_request_error"), BALANCE),
    (400, error("You have reached your specified API usage limits.", "invalid_request_error"), QUOTA),
    (404, body({"type": "error", "error": {"type": "not_found_error", "message": "model: claude-9"}}), MODEL),
    (529, body({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), SERVER),
    (429, error("would exceed your organization's limit of 40,000 input tokens per minute", "rate_limit_error"), RATE),
    # Gemini
    (400, body([{"error": {"code": 400, "message": "API key not valid.", "details": GEMINI_KEY}}]), KEY),
    (400, error("API key expired. Please renew the API key.", code=400, status="INVALID_ARGUMENT"), KEY),
    (429, error(EXCEEDED, code=429, status="RESOURCE_EXHAUSTED", details=PER_MINUTE), RATE),
    (429, error(EXCEEDED, code=429, status="RESOURCE_EXHAUSTED", details=PER_DAY), QUOTA),
    (429, error(EXCEEDED, code=429, status="RESOURCE_EXHAUSTED"), QUOTA),
    (400, error("User location is not supported for the API use.", code=400, status="FAILED_PRECONDITION"), REFUSED),
    # others
    (400, error("Incorrect API key provided: xa***zz.", "invalid-argument"), KEY),  # xAI
    (403, error("Your team has used all available credits", "x"), BALANCE),  # xAI
    (412, error("Account suspended: monthly spending limit", "x"), BALANCE),  # Fireworks
    (429, error("requests have exceeded call rate limit of 1 per minute. Ask for quota", "429"), RATE),  # Azure
    (429, error("Rate limit. See https://aka.ms/oai/quotaincrease", "429"), RATE),  # Azure
    (402, error("Monthly quota used up", "x"), QUOTA),
    (400, error("The model `llama-2` has been decommissioned", "x", "model_decommissioned"), MODEL),  # Groq
]


@pytest.mark.parametrize(("status", "data", "kind"), REPLIES)
def test_a_vendors_reply_is_the_fault_that_it_means(status: int, data: bytes, kind: FaultKind) -> None:
    assert kind_of(status, data) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, OTHER),
        (302, OTHER),
        (304, OTHER),
        (400, REFUSED),
        (401, KEY),
        (402, BALANCE),
        (403, KEY),
        (404, MODEL),
        (405, OTHER),
        (408, FaultKind.TIMEOUT),
        (409, OTHER),
        (410, MODEL),
        (412, OTHER),
        (413, REFUSED),
        (414, REFUSED),
        (415, REFUSED),
        (422, REFUSED),
        (428, OTHER),
        (429, RATE),
        (431, REFUSED),
        (451, REFUSED),
        (500, SERVER),
        (502, SERVER),
        (503, SERVER),
        (504, SERVER),
        (529, SERVER),
        (599, SERVER),
        (999, SERVER),
    ],
)
def test_without_words_the_status_decides(status: int, kind: FaultKind) -> None:
    fault = classify_fault(status, {}, b"", NOW)

    assert (fault.kind, fault.status) == (kind, status)
    assert fault.message.startswith(f"HTTP {status} ")


@pytest.mark.parametrize("words", ["quota exceeded", "Insufficient balance", "账户余额不足", "额度已用完"])
def test_m1_24_a_429_that_speaks_of_quota_or_balance_is_an_exhausted_quota(words: str) -> None:
    assert kind_of(429, error(words)) is QUOTA
    assert kind_of(429, words.encode()) is QUOTA
    assert kind_of(429, error(f"{words}, 3 per minute")) is RATE


def test_m1_26_a_401_is_a_bad_key_and_its_message_shows_none() -> None:
    fault = classify_fault(401, {}, error("Incorrect API key provided: sk-test-1234567890abcdef."), NOW)

    assert fault.kind is KEY
    assert "1234567890abcdef" not in fault.message


def test_m1_31_rate_limit_headers_become_details() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2025-08-25T00:00:00Z"}

    fault = classify_fault(429, headers, error(EXCEEDED, code="insufficient_quota"), NOW)

    assert fault.kind is QUOTA
    assert fault.details == {"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"}


def test_a_reset_within_a_second_is_told_at_the_seconds_end() -> None:
    fault = classify_fault(429, {"x-ratelimit-reset-requests": "0.5s"}, b"", 1_756_079_999.2)
    assert fault.details == {"reset_time": "2025-08-25T00:00:00Z"}
    assert fault.retry_after_s is None


def test_a_402_with_retry_after_is_a_reservation_that_passes() -> None:
    reserved = error("in-flight requests have reserved the budget", code=402)

    assert kind_of(402, reserved) is BALANCE
    fault = classify_fault(402, {"retry-after": "3"}, reserved, NOW)
    assert (fault.kind, fault.retry_after_s) == (RATE, 3.0)
    assert kind_of(402, reserved, {"retry-after": "0"}) is RATE


def test_u5_retry_after_is_read_from_header_body_and_reset() -> None:
    assert classify_fault(429, {"retry-after": "20"}, b"", NOW).retry_after_s == 20.0
    date = {"retry-after": "Sun, 24 Aug 2025 12:31:45 GMT"}
    assert classify_fault(503, date, b"", NOW).retry_after_s == 60.0
    gemini = error("slower", code=429, status="RESOURCE_EXHAUSTED", details=PER_MINUTE)
    assert classify_fault(429, {}, gemini, NOW).retry_after_s == 34.0
    spent = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    assert classify_fault(429, spent, b"", NOW).retry_after_s == 360.0
    some_left = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "6m0s"}
    assert classify_fault(429, some_left, b"", NOW).retry_after_s is None


def test_the_headers_of_the_provider_behind_a_relay_count() -> None:
    relayed = error("Rate limit", code=429, metadata={"headers": {"X-RateLimit-Remaining": "0"}})

    assert classify_fault(429, {}, relayed, NOW).details == {"remaining_requests": 0}


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (b"<html><head><title>Attention Required! | Cloudflare</title>", OTHER),
        (b"blocked by the firewall", OTHER),
        (b'{"message": "Forbidden"}', KEY),
        (b"", KEY),
    ],
)
def test_a_403_of_a_firewall_is_not_held_against_the_key(page: bytes, kind: FaultKind) -> None:
    assert kind_of(403, page) is kind


def test_a_page_is_told_with_its_status() -> None:
    fault = classify_fault(502, {}, b"<html><title>Bad gateway</title></html>", NOW)

    assert fault.message == "HTTP 502 Bad Gateway: Bad gateway"


@pytest.mark.parametrize(
    "quoted",
    [
        "Invalid value: 'api key invalid'. Supported values are: 'system' and 'user'.",
        "Invalid value: 'x' api key not valid '",
        "messages[0].role: your credit balance is too low",
        "Unknown tool: model x does not exist",
        "The model `gpt-4o` does not support the parameter 'foo' which does not exist",
        "invalid request: this model does not support images",
        "Additional properties are not allowed ('quota exceeded' was unexpected)",
    ],
)
def test_a_caller_cannot_put_words_about_our_account_into_a_refusal(quoted: str) -> None:
    assert kind_of(400, error(quoted, "invalid_request_error")) is REFUSED
    assert kind_of(422, error(quoted, "invalid_request_error")) is REFUSED


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (error("Rate limit exceeded", code=429), RATE),
        (error("Insufficient credits", code=402), BALANCE),
        (error("Overloaded", "overloaded_error"), SERVER),
        (error("Internal server error", "api_error"), SERVER),
        (error("too many requests"), RATE),
        (error("Upstream timed out"), SERVER),
        (error("took too long", "timeout_error"), FaultKind.TIMEOUT),
        (error("bad field", "invalid_request_error"), REFUSED),
        (error("insufficient balance"), BALANCE),
        (error("quota exceeded"), QUOTA),
        (error("invalid api key"), KEY),
        (error("model not found"), MODEL),
        (error("something else"), OTHER),
        (body({"error": "something else"}), OTHER),
    ],
)
def test_an_error_inside_a_200_is_the_fault_that_it_means(data: bytes, kind: FaultKind) -> None:
    fault = classify_error_body(200, data)

    assert (fault.kind, fault.status) == (kind, 200)
    assert fault.blames_request is (kind is REFUSED)


def test_the_message_is_the_vendors_own_in_one_line() -> None:
    fault = classify_fault(500, {}, error("first\nsecond\tthird"), NOW)

    assert fault.message == "first second third"


@given(
    st.integers(-1, 1000),
    st.dictionaries(
        st.sampled_from(
            ["retry-after", "retry-after-ms", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"]
        ),
        st.text(max_size=40),
    ),
    st.binary(max_size=3_000) | st.text(max_size=1_000).map(lambda text: error(text, text, text)),
)
def test_no_answer_can_break_it(status: int, headers: dict[str, str], data: bytes) -> None:
    fault = classify_fault(status, headers, data, NOW)

    assert 0 < len(fault.message) <= 500
    assert fault.message.isprintable()
    assert fault.message.encode()
    assert fault.retry_after_s is None or fault.retry_after_s >= 0.0
    assert set(fault.details) <= {"remaining_requests", "reset_time"}
