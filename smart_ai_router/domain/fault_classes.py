"""Which fault an upstream's answer is. The most exact sign decides: the vendor's code, then its words, then the status.

| sign                                                                        | fault            |
|-----------------------------------------------------------------------------|------------------|
| 402 with Retry-After (a relay's reservation), "allocated quota" (DashScope) | rate_limit       |
| codes and numbers of the tables below                                       | as they say      |
| 401; 403 that says nothing else                                             | api_key_invalid  |
| 402; 403, 412 that speak of balance, credits, arrears; 400 that opens so    | low_balance      |
| 429 that speaks of quota or balance, and of no minute or second;            | quota_exhausted  |
| 403 that speaks of a used-up quota; 400 that opens so                       |                  |
| 429                                                                         | rate_limit       |
| 404, 410; 403 that says that there is no such model; 400, 422 that open so  | model_missing    |
| 400 that opens with the API key not being valid (Gemini, xAI)               | api_key_invalid  |
| 400, 413, 414, 415, 422, 431, 451; 403 of a content filter                  | request_refused  |
| 408                                                                         | timeout          |
| 500 and above                                                               | server_error     |
| everything else (redirects, 405, 409, a 403 page or text of a firewall)     | api_error        |

Sources: docs.z.ai/api-reference/api-code, help.aliyun.com/en/model-studio/error-code,
volcengine.com/docs/82379/1299023, docs.siliconflow.cn/en/faqs/error-code, openrouter.ai/docs/errors,
platform.minimax.io/docs/api-reference/errorcode; for other vendors the replies that their users report.
"""

import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from smart_ai_router.domain.alert_words import utc_text
from smart_ai_router.domain.error_bodies import ErrorBody, Numbering, read_error_body, told
from smart_ai_router.domain.faults import Fault, FaultKind
from smart_ai_router.domain.reply_hints import remaining_requests, reset_at, retry_after_s

_WORDS_READ: Final = 4_000  # of a message; what matters stands at its beginning
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def _table(rows: Mapping[FaultKind, str]) -> dict[str, FaultKind]:
    return {word: kind for kind, words in rows.items() for word in words.split()}


_BY_CODE: Final = _table(
    {
        FaultKind.QUOTA_EXHAUSTED: "insufficient_quota insufficient_user_quota pre_consume_token_quota_failed "
        "exceeded_current_quota_error quota_exceeded quota_exhausted quotaexceeded billing_hard_limit_reached "
        "allocationquota.freetieronly setlimitexceeded usage_limit_reached",
        FaultKind.LOW_BALANCE: "insufficient_balance insufficientbalance not_enough_balance insufficient_credit "
        "insufficient_credits insufficient_funds billing_error billing_not_active arrearage accountoverdueerror "
        "operationdenied.serviceoverdue prepaidbilloverdue postpaidbilloverdue payment_required",
        FaultKind.API_KEY_INVALID: "invalid_api_key invalidapikey api_key_invalid incorrect_api_key "
        "authentication_error authenticationerror invalid_authentication_error invalid_authentication "
        "account_deactivated unauthenticated consumer_suspended invalidaccountstatus",
        FaultKind.MODEL_MISSING: "model_not_found modelnotfound model_not_exist model_decommissioned "
        "deploymentnotfound invalidendpointormodel.notfound invalidendpointormodel.modelidaccessdisabled "
        "invalidendpoint.closedendpoint invalidendpoint.notfound modelnotopen unsupportedmodel "
        "operationdenied.servicenotopen model.accessdenied model.access_denied model_not_available",
        FaultKind.RATE_LIMIT: "throttling limit_requests limit_burst_rate rate_limit_reached_error "
        "engine_overloaded_error serveroverloaded accountratelimitexceeded modelaccountrpmratelimitexceeded "
        "modelaccounttpmratelimitexceeded",
        FaultKind.REQUEST_REFUSED: "context_length_exceeded content_filter content_policy_violation "
        "data_inspection_failed datainspectionfailed request_too_large invalid_prompt string_above_max_length "
        "sensitivecontentdetected inputtextsensitivecontentdetected inputimagesensitivecontentdetected",
    }
)
_RATE_CODE_PREFIXES: Final = ("throttling.", "ratelimitexceeded.")

# Inside a 200 there is no status to go by, so that the general words count as well.
_BY_CODE_WITHOUT_STATUS: Final = _table(
    {
        FaultKind.RATE_LIMIT: "rate_limit_exceeded rate_limit_error rate_limited too_many_requests",
        FaultKind.SERVER_ERROR: "server_error internal_server_error internal_error internalerror internalserviceerror "
        "service_unavailable overloaded_error api_error upstream_error provider_unavailable bad_gateway",
        FaultKind.TIMEOUT: "timeout_error request_timeout timeout",
        FaultKind.REQUEST_REFUSED: "invalid_request_error invalid_request invalidparameter bad_request",
    }
)


def _numbers(rows: Mapping[FaultKind, tuple[int, ...]]) -> dict[int, FaultKind]:
    return {number: kind for kind, numbers in rows.items() for number in numbers}


# By who numbers: Zhipu sends numbers as strings, SiliconFlow as integers, MiniMax in `base_resp`.
_BY_NUMBER: Final = {
    Numbering.STRING: _numbers(
        {
            FaultKind.API_KEY_INVALID: (1000, 1001, 1002, 1003, 1004, 1110, 1111, 1112, 1121),
            FaultKind.LOW_BALANCE: (1113,),
            FaultKind.QUOTA_EXHAUSTED: (1304, 1308, 1309, 1310),
            FaultKind.RATE_LIMIT: (1302, 1303, 1305, 1312),
            FaultKind.MODEL_MISSING: (1211, 1220, 1221, 1222),
            FaultKind.REQUEST_REFUSED: (1210, 1212, 1213, 1214, 1215, 1231, 1261, 1300, 1301),
            FaultKind.SERVER_ERROR: (1120, 1200, 1230, 1234),
        }
    ),
    Numbering.INTEGER: _numbers(
        {
            FaultKind.LOW_BALANCE: (30001,),
            FaultKind.MODEL_MISSING: (20012, 30003),
            FaultKind.REQUEST_REFUSED: (20015,),
        }
    ),
    Numbering.MINIMAX: _numbers(
        {
            FaultKind.API_KEY_INVALID: (1004, 2049),
            FaultKind.LOW_BALANCE: (1008,),
            FaultKind.QUOTA_EXHAUSTED: (2056,),
            FaultKind.RATE_LIMIT: (1002, 1039, 1041, 2045),
            FaultKind.REQUEST_REFUSED: (1026, 1027, 1042, 2013),
            FaultKind.SERVER_ERROR: (1000, 1001, 1013, 1024, 1033),
        }
    ),
}

_LINK: Final = re.compile(r"https?://\S{1,500}")
_NO_MONEY: Final = re.compile(
    r"insufficient[ _](?:account )?(?:balance|funds?|credits?)|"
    r"(?:balance|credits?|funds?)(?: is| are)? (?:insufficient|not enough|too low|exhausted|used up|depleted)|"
    r"not[ _]enough[ _](?:balance|credits?|funds?)|out of credits?|"
    r"used all available credits|overdue|in arrears|arrearage|in good standing|spending limit|spend limit|"
    r"余额不足|余额已|欠费|请充值"
)
_NO_QUOTA: Final = re.compile(
    r"quota.{0,60}(?:exceed|exhaust|insufficient|used up|reached|run out)|"
    r"(?:exceed|exhaust|insufficient|out of|reached).{0,60}quota|reached your (?:specified )?(?:api )?usage limit|"
    r"额度不足|额度已|配额不足|配额已"
)
_SHORT_INTERVAL: Final = re.compile(
    r"per[ _-]?(?:minute|min|second|sec)\b|perminute|persecond|\b[rtiq]pm\b|\bqps\b|每分钟|每秒"
)
_BAD_KEY: Final = re.compile(
    r"(?:invalid|incorrect|expired|missing|wrong|revoked|disabled) api[ _-]?key|"
    r"api[ _-]?key.{0,60}(?:invalid|not valid|incorrect|expired|missing|revoked|disabled|not found|无效|过期|错误)|"
    r"密钥.{0,20}(?:无效|错误|过期)|无效的(?:令牌|密钥)"
)
_NO_MODEL: Final = re.compile(
    r"model[:\s]+(?:\S{1,200}\s+)?(?:does not exist|doesn't exist|not exist|(?:is |was )?not found|is not available|"
    r"has been (?:decommissioned|deprecated|retired))|(?:invalid|unknown|no such) model\b|"
    r"\S{1,200} is not a valid model|模型\S{0,60}(?:不存在|未开通|未找到)"
)
_NO_ACCESS: Final = re.compile(r"(?:not have access to|not authorized to access).{0,60}model\b|no access to model\b")

# An error that blames the request may quote it: a caller must not be able to put words about our key, balance or model
# into its mouth. There, words count only where the message opens with them.
_OPENING: Final = r"(?:error:?|sorry,?|your|the|you have|this|requested|account|credit|\s)*"
_OPENS_NO_MONEY: Final = re.compile(f"{_OPENING}(?:{_NO_MONEY.pattern})")
_OPENS_NO_QUOTA: Final = re.compile(f"{_OPENING}(?:{_NO_QUOTA.pattern})")
_OPENS_BAD_KEY: Final = re.compile(f"{_OPENING}(?:{_BAD_KEY.pattern})")
_OPENS_NO_MODEL: Final = re.compile(f"{_OPENING}(?:{_NO_MODEL.pattern})")

_CONTENT: Final = re.compile(r"moderation|flagged|content policy|content filter|safety|inappropriate|敏感|违规")
_ELSEWHERE: Final = re.compile(r"country|region|territory|location is not supported|地区")
_RATE: Final = re.compile(r"rate[ _-]?limit|too many requests|请求过于频繁|频率")
_SERVER: Final = re.compile(r"overloaded|internal (?:server )?error|server error|unavailable|timed? ?out|繁忙|busy")

_REFUSED_STATUSES: Final = frozenset((400, 411, 413, 414, 415, 416, 417, 422, 431, 451))


def classify_fault(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Fault:
    """The fault that an upstream's error answer is. Header names in lower case; `now` in seconds since 1970.

    The message has at most 500 characters and nothing in it that looks like a key. Never raises.
    """
    error = read_error_body(body)
    if error.headers:
        headers = {**error.headers, **headers}
    wait_s = retry_after_s(headers, now)
    if wait_s is None:
        wait_s = error.retry_after_s
    kind = _kind_of(status, error, wait_s)
    details: dict[str, str | int] = {}
    remaining = remaining_requests(headers)
    if remaining is not None:
        details["remaining_requests"] = remaining
    moment = reset_at(headers, now)
    if moment is not None:
        details["reset_time"] = utc_text(math.ceil(moment))  # a second too early would be refused again
        if wait_s is None and remaining == 0 and kind is FaultKind.RATE_LIMIT:
            wait_s = max(moment - now, 0.0)
    return Fault(
        kind=kind,
        message=_message(status, error),
        status=status,
        retry_after_s=wait_s,
        details=details,
    )


def classify_error_body(status: int, body: bytes, headers: Mapping[str, str] = _NO_HEADERS, now: float = 0.0) -> Fault:
    """The fault of an error object within a reply that began well (a 200 body, or an event of a stream)."""
    return classify_fault(status, headers, body, now)


def _message(status: int, error: ErrorBody) -> str:
    if error.message and not error.is_page:
        return told(error.message)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    return told(f"HTTP {status} {phrase}" + (f": {error.message}" if error.message else ""))


def _kind_of(status: int, error: ErrorBody, wait_s: float | None) -> FaultKind:
    message = error.message[:_WORDS_READ].lower()
    words = _LINK.sub(" ", message)
    inner_status = error.status if status < 400 and error.status is not None else status
    if inner_status == 402 and wait_s is not None:
        return FaultKind.RATE_LIMIT
    if "allocated quota" in words or "error-code#token-limit" in message:  # DashScope's tokens per minute
        return FaultKind.RATE_LIMIT
    exact = _by_code(error)
    if exact is not None:
        return exact
    if inner_status < 300:
        return _without_status(error, words)
    return _by_status(inner_status, error, words)


def _by_code(error: ErrorBody) -> FaultKind | None:
    """What the vendor's own codes and numbers say."""
    if error.number is not None:
        kind = _BY_NUMBER[error.numbering].get(error.number)
        if kind is not None:
            return kind
    for code in error.codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
        if code.startswith(_RATE_CODE_PREFIXES):
            return FaultKind.RATE_LIMIT
    if "resource_exhausted" in error.codes:  # Gemini: the names of the quotas tell how long it lasts
        if any("perday" in code for code in error.codes):
            return FaultKind.QUOTA_EXHAUSTED
        if any("perminute" in code for code in error.codes):
            return FaultKind.RATE_LIMIT
    return None


def _by_status(status: int, error: ErrorBody, words: str) -> FaultKind:
    if status >= 500:
        return FaultKind.SERVER_ERROR
    match status:
        case 401:
            return FaultKind.API_KEY_INVALID
        case 402:
            is_quota = "quota" in words and not _NO_MONEY.search(words)
            return FaultKind.QUOTA_EXHAUSTED if is_quota else FaultKind.LOW_BALANCE
        case 403:
            return _forbidden(error, words)
        case 404 | 410:
            return FaultKind.MODEL_MISSING
        case 408:
            return FaultKind.TIMEOUT
        case 412:
            return FaultKind.LOW_BALANCE if _NO_MONEY.search(words) else FaultKind.API_ERROR
        case 429:
            is_spent = re.search("quota|balance|额度|余额|配额", words) and not _SHORT_INTERVAL.search(words)
            return FaultKind.QUOTA_EXHAUSTED if is_spent else FaultKind.RATE_LIMIT
    if status in {400, 422}:
        return _opens_about_account(words) or FaultKind.REQUEST_REFUSED
    return FaultKind.REQUEST_REFUSED if status in _REFUSED_STATUSES else FaultKind.API_ERROR


def _forbidden(error: ErrorBody, words: str) -> FaultKind:
    """A 403 may mean anything: money, the model, the content, the place, a firewall; else the key."""
    if error.is_page or _ELSEWHERE.search(words):
        return FaultKind.API_ERROR
    if _NO_MONEY.search(words):
        return FaultKind.LOW_BALANCE
    if _NO_QUOTA.search(words):
        return FaultKind.QUOTA_EXHAUSTED
    if _NO_MODEL.search(words) or _NO_ACCESS.search(words):
        return FaultKind.MODEL_MISSING
    is_content = _CONTENT.search(words) and not _BAD_KEY.search(words)
    return FaultKind.REQUEST_REFUSED if is_content else FaultKind.API_KEY_INVALID


def _opens_about_account(words: str) -> FaultKind | None:
    """What the message, from its first word, says about our account or the model, rather than about the request."""
    if _OPENS_NO_MONEY.match(words):
        return FaultKind.LOW_BALANCE
    if _OPENS_NO_QUOTA.match(words):
        return FaultKind.QUOTA_EXHAUSTED
    if _OPENS_BAD_KEY.match(words):
        return FaultKind.API_KEY_INVALID
    return FaultKind.MODEL_MISSING if _OPENS_NO_MODEL.match(words) else None


def _without_status(error: ErrorBody, words: str) -> FaultKind:
    for code in error.codes:
        if code in _BY_CODE_WITHOUT_STATUS:
            return _BY_CODE_WITHOUT_STATUS[code]
    about = _opens_about_account(words)
    if about is not None:
        return about
    if _RATE.search(words):
        return FaultKind.RATE_LIMIT
    return FaultKind.SERVER_ERROR if _SERVER.search(words) else FaultKind.API_ERROR
