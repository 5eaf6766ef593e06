"""Tells people of models that are served without a known price: their cost is a gap in the books, not a zero."""

from collections.abc import Sequence

from smart_ai_router.core.posting import Posting
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor

UNPRICED_MODEL = "unpriced_model"


class UnpricedWatch:
    """Hears of new records; raises one alert a channel, and ends it when the model has a price."""

    def __init__(self, monitor: ChannelMonitor) -> None:
        self._monitor = monitor
        self._open: dict[str, str] = {}  # channel id to the model that was unpriced

    def observe(self, postings: Sequence[Posting]) -> None:
        """Look at records that came on the books."""
        for posting in postings:
            record = posting.record
            known = self._open.get(record.channel_id)
            if record.cost_basis == "unpriced" and known is None:
                self._open[record.channel_id] = record.model
                message = f"渠道 {record.channel_name} 的模型 {record.model} 没有价格，调用已记录但费用未知"
                details = {"model": record.model, "request_id": record.request_id}
                self._monitor.record_alert(record.channel_id, record.channel_name, UNPRICED_MODEL, message, details)
            elif known == record.model and record.cost_basis not in ("unpriced", "none"):
                del self._open[record.channel_id]
                self._monitor.resolve_alert(record.channel_id, UNPRICED_MODEL)
