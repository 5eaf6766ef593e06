"""The alert endpoints over HTTP."""

from smart_ai_router.core.alert_log import ChannelAlert
from tests.api.control_fixtures import ListedAlerts, administrator, client_over

QUOTA_ALERT = ChannelAlert(
    "ch_openai_001",
    "OpenAI Official",
    "quota_exhausted",
    "渠道 OpenAI Official 配额已用完",
    "2025-08-24T12:30:45Z",
    {"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"},
)


def test_m1_39_m1_47_m1_48_alerts_are_those_of_the_last_hours_24_by_default() -> None:
    old = ChannelAlert("ch_2", "Two", "rate_limit", "429", "2025-08-20T12:30:45Z", None)
    client = client_over(alerts=ListedAlerts([(30, old), (1, QUOTA_ALERT)]))

    by_default = client.get("/v1/stats/alerts").json()["data"]
    longer = client.get("/v1/stats/alerts?hours=48").json()["data"]

    assert (by_default["time_range_hours"], by_default["total_alerts"]) == (24, 1)
    assert by_default["alert_counts"] == {"quota_exhausted": 1}
    assert list(by_default["alerts"][0])[:6] == [
        "channel_id",
        "channel_name",
        "alert_type",
        "message",
        "timestamp",
        "details",
    ]
    assert by_default["alerts"][0]["details"] == {"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"}
    assert longer["alert_counts"] == {"rate_limit": 1, "quota_exhausted": 1}
    assert longer["alerts"][0]["details"] is None


def test_m1_40_channel_status_passes_on_what_the_monitor_says() -> None:
    data = administrator().get("/v1/stats/channel-status").json()["data"]

    assert data["notified_channels"] == ["ch_401"]
    assert data["error_counts"] == {"ch_500": 2}


def test_m1_41_m1_42_clearing_answers_in_the_guides_words() -> None:
    alerts = ListedAlerts()
    client = client_over(alerts=alerts)

    one = client.post("/v1/stats/clear-alerts/ch_openai_001")
    all_of_them = client.post("/v1/stats/clear-all-alerts")

    assert one.json() == {"success": True, "message": "已清除渠道 ch_openai_001 的告警状态"}
    assert all_of_them.json() == {"success": True, "message": "已清除所有渠道的告警状态"}
    assert alerts.cleared == ["ch_openai_001", "*"]


def test_clearing_is_not_done_by_looking() -> None:
    client = administrator()

    assert client.get("/v1/stats/clear-all-alerts").status_code == 405
    assert client.get("/v1/stats/clear-alerts/ch_openai_001").status_code == 405
