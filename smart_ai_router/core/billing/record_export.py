"""Usage records as CSV: everything that a filter lets through, newest first, page by page as it is read."""

from collections.abc import Iterator
from typing import Final

from smart_ai_router.core.billing.record_messages import UsageRecordFacts
from smart_ai_router.core.billing.records import gathered, matching_count, records_of
from smart_ai_router.core.billing.spreadsheet import BYTE_ORDER_MARK, Cell, csv_line
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.users_and_keys import FieldInvalid

EXPORT_MAX: Final = 50_000  # records of one file: some ten seconds of work, and less than any spreadsheet takes
_PAGE: Final = 500

COLUMNS: Final = (
    "id", "createdAt", "userId", "apiKeyId", "providerId", "providerName", "modelId", "usageType", "inputTokens",
    "outputTokens", "totalTokens", "cachedTokens", "reasoningTokens", "imageCount", "audioDuration", "videoDuration",
    "costAmount", "currency", "originalCost", "originalCurrency", "status", "outcome", "statusCode", "errorKind",
    "errorMessage", "channelId", "usageSource", "costBasis", "durationMs", "firstTokenMs", "region", "tags",
)  # fmt: skip


def export_records(view: BillingView, asked: UsageFilter) -> Iterator[str]:
    """The lines of the file, some at a time. Raises FieldInvalid at once when there are too many."""
    if asked.api_key_id is not None and asked.user_id is None:
        raise FieldInvalid("apiKeyId goes with the userId that the key belongs to", param="apiKeyId")
    count = matching_count(gathered(view, asked), asked)
    if count > EXPORT_MAX:
        raise FieldInvalid(
            f"{count} records match, one file takes {EXPORT_MAX}; narrow startDate and endDate", param="startDate"
        )
    return _pieces(view, asked)


def _pieces(view: BillingView, asked: UsageFilter) -> Iterator[str]:
    yield BYTE_ORDER_MARK + csv_line(COLUMNS)
    cursor: str | None = None
    while True:
        page = view.books.usage_page(asked, cursor, _PAGE)
        yield "".join(csv_line(_cells(record)) for record in records_of(view, page.rows))
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _cells(record: UsageRecordFacts) -> tuple[Cell, ...]:
    return (
        record.id, record.created_at, record.user_id, record.api_key_id, record.provider_id, record.provider_name,
        record.model_id, record.usage_type, record.input_tokens, record.output_tokens, record.total_tokens,
        record.cached_tokens, record.reasoning_tokens, record.image_count, record.audio_duration,
        record.video_duration, record.cost_amount, record.currency, record.original_cost, record.original_currency,
        record.status, record.outcome, record.status_code, record.error_kind, record.error_message,
        record.channel_id, record.usage_source, record.cost_basis, record.duration_ms, record.first_token_ms,
        record.region, " ".join(record.tags),
    )  # fmt: skip
