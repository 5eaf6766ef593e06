"""The catalogue of the test upstream: every mode by name, with what it says and how it delivers it.

Options that every mode takes: `ms` (wait before the first byte), `times=N` (only the first N calls in this mode, then
normal), `every=N` (each Nth call), `prompt`, `completion`, `cached`, `reasoning` (tokens), `pieces`, `chunk_ms`.
"""

from dataclasses import dataclass

from smart_ai_router.testing import upstream_delivery as delivery
from smart_ai_router.testing import upstream_sayings as sayings
from smart_ai_router.testing import upstream_usage as usage
from smart_ai_router.testing.upstream_content import Content, Dialect, dumped
from smart_ai_router.testing.upstream_delivery import Delivery, End
from smart_ai_router.testing.upstream_events import EVENT_CHANGES
from smart_ai_router.testing.upstream_sayings import PLAIN, Saying, speaks

EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nEVIL!"
BOTH = (("content-length", "LENGTH"), ("transfer-encoding", "chunked"))


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to answer."""

    name: str
    group: str
    summary: str
    say: Saying
    deliver: Delivery = delivery.ordinary


DELIVERIES: tuple[tuple[str, str, str, Delivery], ...] = (
    ("connection", "blackhole", "takes the request, never answers", delivery.blackhole),
    ("connection", "reset-before-head", "resets instead of answering", delivery.reset_before_head),
    ("connection", "close-before-head", "closes instead of answering", delivery.close_before_head),
    ("connection", "reset-after-head", "sends the head, then resets", delivery.cut("head", End.RESET)),
    ("connection", "reset-mid-body", "resets in the body (at `at` percent)", delivery.cut("body", End.RESET)),
    ("connection", "close-mid-body", "closes in the body (at `at` percent)", delivery.cut("body", End.CLOSE)),
    ("connection", "stall-after-head", "sends the head, then nothing", delivery.cut("head", End.STALL)),
    ("connection", "stall-mid-body", "stops in the body (at `at` percent)", delivery.cut("body", End.STALL)),
    ("connection", "slow-head", "one byte of the head every `ms`", delivery.slow_head),
    ("connection", "slow-loris", "one byte of the body every `ms`", delivery.slow_body),
    ("connection", "close-after-reply", "answers, then closes unannounced", delivery.ended_as(End.CLOSE)),
    ("connection", "close-on-next", "answers; closes on the next request", delivery.ended_as(End.CLOSE_ON_NEXT)),
    ("connection", "announce-close", "answers with `connection: close`", delivery.announce_close),
    ("stream", "cut-before-done", "closes before the last event and [DONE]", delivery.cut_before_done),
    ("stream", "per-byte", "every byte its own chunk", delivery.sliced(1)),
    ("stream", "sliced", "chunks of `size` bytes, through events and characters", delivery.sliced(7)),
    ("stream", "infinite", "events without end", delivery.infinite),
    ("framing", "length-too-long", "promises 100 bytes more than it sends", delivery.length_too_long),
    ("framing", "length-too-short", "sends 10 bytes more than it promises", delivery.length_too_short),
    ("framing", "length-twice", "two Content-Lengths", delivery.framed_as(BOTH[0], ("content-length", "7"))),
    ("framing", "length-and-chunked", "Content-Length with Transfer-Encoding", delivery.framed_as(*BOTH)),
    ("framing", "length-negative", "Content-Length: -1", delivery.framed_as(("content-length", "-1"))),
    ("framing", "garbage", "bytes that are not HTTP", delivery.raw(b"\x00\xffSMTP ready\r\n\r\n")),
    ("framing", "bad-chunk", "a chunk of negative size", delivery.bad_chunk),
    ("framing", "chunk-extras", "chunk extensions and trailers (valid)", delivery.chunk_extras),
    ("framing", "http10", "HTTP/1.0, ended by closing", delivery.until_close("1.0")),
    ("framing", "until-close", "HTTP/1.1 without a length, ended by closing", delivery.until_close("1.1")),
    ("framing", "extra-bytes", "a second reply behind the first", delivery.ended_as(End.KEEP, EVIL)),
    ("framing", "interim-100", "100 Continue first", delivery.interim("100 Continue")),
    ("framing", "interim-103", "two Early Hints first", delivery.interim("103 Early Hints", "103 Early Hints")),
    ("framing", "many-headers", "`count` headers (default 1000)", delivery.many_headers),
    ("framing", "huge-header", "a header of `bytes` (default 1,000,000)", delivery.huge_header),
    ("encoding", "gzip", "compressed with gzip", delivery.compressed("gzip")),
    ("encoding", "deflate", "compressed with deflate", delivery.compressed("deflate")),
    ("encoding", "brotli-label", "labelled br", delivery.labelled("br")),
    ("encoding", "zstd-label", "labelled zstd", delivery.labelled("zstd")),
    ("encoding", "gzip-bomb", "becomes `mb` MiB (default 1024)", delivery.gzip_bomb),
    ("leaks", "echo", "our headers back, Authorization too, and a cookie", delivery.echo),
)

STATUSES: tuple[tuple[str, str, int, dict[str, object]], ...] = (
    ("status-400", "a bad parameter", 400, sayings.openai("Invalid 'temperature'.", "invalid_value")),
    ("status-401", "a wrong key", 401, sayings.openai("Incorrect API key provided.", "invalid_api_key")),
    (
        "status-402-deepseek",
        "DeepSeek: no balance",
        402,
        {"message": "Insufficient Balance", "type": "unknown_error", "param": None, "code": "invalid_request_error"},
    ),
    (
        "status-402-openrouter",
        "OpenRouter: no credits, numeric code",
        402,
        {"code": 402, "message": sayings.NO_CREDITS},
    ),
    (
        "status-403",
        "a key without permission",
        403,
        {"message": "You have insufficient permissions.", "type": "permission_denied", "code": None},
    ),
    (
        "status-403-one-api",
        "one-api: the user's quota is used up",
        403,
        {"message": "用户额度不足", "type": "new_api_error", "param": "", "code": "insufficient_user_quota"},
    ),
    ("status-404", "no such model", 404, sayings.openai("The model does not exist.", "model_not_found")),
    (
        "status-429-zhipu",
        "Zhipu: in arrears, said with 429",
        429,
        {"code": "1113", "message": "您的账户已欠费，请充值后重试。"},
    ),
    (
        "status-429-moonshot",
        "Moonshot: quota exceeded",
        429,
        {"type": "exceeded_current_quota_error", "message": sayings.QUOTA_EXCEEDED},
    ),
    ("status-500", "a server error", 500, sayings.server_error("The server had an error.")),
    ("status-502", "a bad gateway", 502, sayings.server_error("Bad gateway.")),
    ("status-503", "overloaded", 503, sayings.server_error(sayings.OVERLOADED)),
    ("status-529", "overloaded, Anthropic's number", 529, {"type": "overloaded_error", "message": "Overloaded"}),
)

REFUSALS: tuple[tuple[str, str, Saying], ...] = (
    ("status", "the status `code` (500) with a plain error", sayings.any_status),
    ("status-401-shown", "a wrong key, with our key in the message", sayings.wrong_key_shown),
    ("status-402-reserved", "OpenRouter: credits reserved, retry later", sayings.reserved),
    ("status-429", "rate limited, Retry-After of `retry_after` seconds (2)", sayings.rate_limited()),
    ("status-429-date", "the same, Retry-After as a date", sayings.rate_limited(dated=True)),
    ("status-429-quota", "OpenAI: insufficient_quota, with rate-limit headers", sayings.out_of_quota),
    ("status-503-retry", "overloaded, Retry-After of `retry_after` seconds (2)", sayings.overloaded),
    ("redirect", "302 to `to` (default /_canary)", sayings.redirects),
)

BODIES: tuple[tuple[str, str, Content], ...] = (
    (
        "error-in-200",
        "an error with a numeric code, under 200",
        Content(body=dumped({"error": {"code": 502, "message": "Provider returned error", "metadata": {}}})),
    ),
    (
        "error-in-200-text",
        "an error with a word for a code, under 200",
        Content(body=dumped({"error": {"code": "internal_error", "message": "Failed", "type": "server_error"}})),
    ),
    (
        "minimax-in-200",
        "MiniMax: no balance, in base_resp, under 200",
        Content(
            body=dumped(
                {
                    "id": "x",
                    "choices": None,
                    "usage": {"total_tokens": 0},
                    "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"},
                }
            )
        ),
    ),
    (
        "dashscope-in-200",
        "DashScope's own dialect: throttled, under 200",
        Content(
            body=dumped(
                {
                    "code": "Throttling.RateQuota",
                    "message": "Requests rate limit exceeded, please try again later.",
                    "request_id": "7a3c",
                }
            )
        ),
    ),
    (
        "zhipu-in-200",
        "Zhipu: code, msg and success, under 200",
        Content(body=dumped({"code": 500, "msg": "404 NOT_FOUND", "success": False})),
    ),
    (
        "choice-error-in-200",
        "OpenRouter: an error in place of the choice, under 200",
        Content(
            body=dumped(
                {
                    "id": "x",
                    "choices": [
                        {
                            "index": 0,
                            "message": {"role": "assistant", "content": ""},
                            "finish_reason": "error",
                            "error": {"code": 502, "message": "Provider disconnected unexpectedly"},
                        }
                    ],
                }
            )
        ),
    ),
    (
        "no-choices",
        "an answer's keys without an answer, under 200",
        Content(body=dumped({"id": "", "object": "", "created": 0, "model": "", "choices": None, "usage": None})),
    ),
    ("html-200", "a web page", Content(body=b"<!doctype html><h1>nginx</h1>", content_type="text/html")),
    ("empty-200", "no body at all", Content()),
    ("malformed-json", "JSON that is none", Content(body=b'{"id": "x", "choices": [,]}')),
    ("json-null", "the body `null`", Content(body=b"null")),
    ("json-list", "the body `[]`", Content(body=b"[]")),
    ("not-utf8", "JSON with a byte that is not UTF-8", Content(body=b'{"id":"\xff","choices":[]}')),
)

ODD_ANSWERS: tuple[tuple[str, str, Saying], ...] = (
    ("cut-json", "half of the JSON, framed as if it were all", sayings.cut_json),
    ("blank-lines", "blank lines before the JSON, as DeepSeek sends while it works", sayings.blank_lines),
    ("wrong-model", "the reply names another model", sayings.other_model),
    ("tool-call", "a tool call instead of text", sayings.tool_call),
)

USAGES: tuple[tuple[str, str, Dialect], ...] = (
    ("no-usage", "no usage anywhere", Dialect(lambda _: NotImplemented, "never")),
    ("usage-in-finish", "usage in the finish chunk, asked or not", Dialect(stream_usage="finish")),
    ("usage-cumulative", "growing usage in every chunk", Dialect(stream_usage="every")),
    ("usage-negative", "-1000 tokens", Dialect(usage.negative)),
    ("usage-huge", "2^62 tokens", Dialect(usage.huge)),
    ("usage-string", "numbers as strings", Dialect(usage.string)),
    ("usage-float", "fractions of tokens", Dialect(usage.fraction)),
    ("usage-nan", "the bare word NaN", Dialect(usage.not_a_number)),
    ("usage-boolean", "true for a number", Dialect(usage.boolean)),
    ("usage-nulls", "null for every number", Dialect(usage.nulls)),
    ("usage-null", "null for the usage", Dialect(usage.null)),
    ("usage-fields-missing", "only the total", Dialect(usage.fields_missing)),
    ("usage-list", "a list for the usage", Dialect(usage.a_list)),
    ("usage-wrong-total", "a total that is not the sum", Dialect(usage.wrong_total)),
    ("usage-cached-beyond-prompt", "more cached than sent", Dialect(usage.cached_beyond_prompt)),
    ("usage-over-max", "ten times max_tokens", Dialect(usage.over_limit)),
    ("usage-unknown-kinds", "token kinds nobody knows", Dialect(usage.unknown_kinds)),
)

DIALECTS: tuple[tuple[str, str, Dialect], ...] = (
    (
        "openai",
        "cached, reasoning and audio details; service_tier",
        Dialect(usage.openai, extra=(("service_tier", "default"), ("system_fingerprint", "fp_test"))),
    ),
    (
        "deepseek",
        "prompt_cache_hit_tokens; usage in the finish chunk; keep-alive comments",
        Dialect(usage.deepseek, "finish", comment=b": keep-alive\n\n", reasons=True),
    ),
    ("qwen", "DashScope: text_tokens in the details", Dialect(usage.qwen, reasons=True)),
    ("moonshot", "usage inside choices[0] of the finish chunk", Dialect(usage.moonshot, "choice")),
    (
        "zhipu",
        "usage in the finish chunk, request_id",
        Dialect(usage.cached_only, "finish", extra=(("request_id", "2026"),)),
    ),
    ("doubao", "cached tokens, service_tier", Dialect(usage.cached_only, extra=(("service_tier", "default"),))),
    ("siliconflow", "cumulative usage in every chunk", Dialect(usage.siliconflow, "every", reasons=True)),
    (
        "openrouter",
        "comments, cost in the usage, provider",
        Dialect(usage.openrouter, comment=b": OPENROUTER PROCESSING\n\n", extra=(("provider", "Test"),)),
    ),
    ("groq", "x_groq.usage in the last chunk", Dialect(usage.groq, "x_groq")),
    ("vllm", "null details", Dialect(usage.vllm, extra=(("prompt_logprobs", None),))),
    ("ollama", "plain usage, system_fingerprint", Dialect(extra=(("system_fingerprint", "fp_ollama"),))),
)


def catalogue() -> dict[str, Mode]:
    """Every mode by its name."""
    plain = speaks(PLAIN)
    modes = [
        Mode("normal", "plain", "an OpenAI-compatible answer", plain),
        Mode("latency", "plain", "the answer after `ms` (default 250)", plain),
        *(Mode(name, group, summary, plain, deliver) for group, name, summary, deliver in DELIVERIES),
        *(Mode(name, "status", summary, sayings.refuses(status, error)) for name, summary, status, error in STATUSES),
        *(Mode(name, "status", summary, saying) for name, summary, saying in REFUSALS),
        *(Mode(name, "body", summary, sayings.says(content)) for name, summary, content in BODIES),
        *(Mode(name, "body", summary, saying) for name, summary, saying in ODD_ANSWERS),
        *(Mode(name, "stream", summary, sayings.events(change)) for name, summary, change in EVENT_CHANGES),
        *(Mode(name, "usage", summary, speaks(dialect)) for name, summary, dialect in USAGES),
        *(Mode(name, "dialect", summary, speaks(dialect)) for name, summary, dialect in DIALECTS),
    ]
    return {mode.name: mode for mode in modes}
