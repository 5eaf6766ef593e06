"""`report` over the journal's files."""

import json
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner

from smart_ai_router.cli import root

GUIDE_RECORD = {
    "timestamp": "2025-08-24T12:30:45Z",
    "request_id": "req_abc123",
    "model": "gpt-4o-mini",
    "channel_id": "ch_openai_001",
    "channel_name": "OpenAI Official",
    "provider": "openai",
    "input_tokens": 150,
    "output_tokens": 300,
    "total_tokens": 450,
    "input_cost": 0.000075,
    "output_cost": 0.0003,
    "total_cost": 0.000375,
    "cost_currency": "USD",
    "request_type": "chat",
    "status": "success",
    "response_time_ms": 1250,
    "tags": ["gpt", "4o", "mini", "chat"],
}


def test_m1_76_the_guides_own_record_is_in_the_report_of_its_day(tmp_path: Path) -> None:
    (tmp_path / "usage_20250824.jsonl").write_text(json.dumps(GUIDE_RECORD) + "\n")
    options = ["report", "--logs-dir", str(tmp_path), "--date", "2025-08-24"]

    as_text = CliRunner().invoke(root, options)
    as_json = CliRunner().invoke(root, [*options, "--json"])

    assert as_text.exit_code == 0, as_text.output
    assert "总请求数: 1" in as_text.output
    assert "总成本: $0.000375" in as_text.output
    today = json.loads(as_json.output, parse_float=Decimal)["today"]
    assert (today["total_requests"], today["total_tokens"], today["total_cost"]) == (1, 450, Decimal("0.000375"))


def test_a_date_that_is_no_date_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(root, ["report", "--logs-dir", str(tmp_path), "--date", "24.8.2025"])

    assert result.exit_code == 2
    assert "--date" in result.output
