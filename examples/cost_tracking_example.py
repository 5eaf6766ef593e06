"""成本监控示例：记录调用、按模型/渠道/提供商统计、发出并列出渠道告警。

    python examples/cost_tracking_example.py

离线运行，不需要路由器在运行；所有文件写入一个临时目录，结束时删除。
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"  # 由 python main.py 第一次运行时创建
if find_spec("msgspec") is None:
    if not PYTHON.exists() or Path(sys.prefix) == PYTHON.parent.parent:
        sys.exit("缺少运行环境：请先运行一次 python main.py")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - the project's own Python, no shell wanted
sys.path.insert(0, str(ROOT))

from smart_ai_router.core.utils.channel_monitor import ChannelMonitor  # noqa: E402 - the environment comes first
from smart_ai_router.core.utils.usage_tracker import (  # noqa: E402
    UsageRecord,
    UsageTracker,
    create_usage_record,
)

ONE_MILLION = 1_000_000

# 示例价格：每一百万 tokens 的美元价格（输入，输出）
PRICES = {
    "gpt-4o-mini": (Decimal("0.50"), Decimal("1.00")),
    "claude-3-haiku": (Decimal("0.25"), Decimal("1.25")),
    "deepseek-chat": (Decimal("0.27"), Decimal("1.10")),
    "qwen3-30b-a3b:free": (Decimal(0), Decimal(0)),
}
CHANNELS = {
    "gpt-4o-mini": ("ch_openai_001", "OpenAI Official", "openai"),
    "claude-3-haiku": ("ch_anthropic_001", "Anthropic Official", "anthropic"),
    "deepseek-chat": ("ch_deepseek_001", "DeepSeek Official", "deepseek"),
    "qwen3-30b-a3b:free": ("ch_openrouter_001", "OpenRouter Free", "openrouter"),
}


class ScenarioTracker(UsageTracker):
    """自定义统计维度：按业务场景（写在标签里）分组。"""

    def dimensions(self, record: UsageRecord) -> Mapping[str, str]:
        scenarios = [tag.removeprefix("scenario=") for tag in record.tags if tag.startswith("scenario=")]
        return {"scenario": scenarios[0] if scenarios else "other"}


def make_record(model: str, input_tokens: int, output_tokens: int, scenario: str, ms: int) -> UsageRecord:
    """一次成功的调用；成本 = tokens × 单价，精确到最后一位。"""
    input_price, output_price = PRICES[model]
    return create_usage_record(
        model,
        *CHANNELS[model],
        input_tokens,
        output_tokens,
        input_price * input_tokens / ONE_MILLION,
        output_price * output_tokens / ONE_MILLION,
        response_time_ms=ms,
        tags=["chat", f"scenario={scenario}"],
    )


def failed_record() -> UsageRecord:
    """一次失败的调用：没有 tokens，没有成本，有错误信息。"""
    model = "gpt-4o-mini"
    return create_usage_record(
        model,
        *CHANNELS[model],
        0,
        0,
        0,
        0,
        status="error",
        error_message="API key quota exceeded",
        response_time_ms=85,
        tags=["chat"],
    )


async def record_calls(tracker: UsageTracker) -> None:
    """写入六条记录：五次成功，一次失败。"""
    print("1. 记录使用情况")
    records = [
        make_record("gpt-4o-mini", 150, 300, "chat", 1250),
        make_record("claude-3-haiku", 2000, 200, "summary", 900),
        make_record("deepseek-chat", 300, 800, "code", 2100),
        make_record("qwen3-30b-a3b:free", 500, 600, "free", 1500),
        make_record("gpt-4o-mini", 150, 300, "chat", 1100),
        failed_record(),
    ]
    for record in records:
        await tracker.record_usage_async(record)
        result = "成功" if record.status == "success" else f"失败: {record.error_message}"
        print(f"   {record.model:<20} {record.total_tokens:>5} tokens  ${record.total_cost:.6f}  {result}")


def show_statistics(tracker: ScenarioTracker) -> None:
    """打印今日统计，按模型、渠道、提供商和自定义维度。"""
    today = tracker.get_daily_stats()
    print(f"\n2. 今日统计 ({today['date']}, UTC)")
    print(
        f"   总请求数: {today['total_requests']} (成功 {today['successful_requests']}, 失败 {today['failed_requests']})"
    )
    print(f"   总成本: ${today['total_cost']:.6f}")
    print(f"   总Tokens: {today['total_tokens']:,}")
    for title, shares in (
        ("模型", today["models"].items()),
        ("渠道", today["channels"].items()),
        ("提供商", today["providers"].items()),
    ):
        print(f"   按{title}:")
        for name, share in shares:
            print(f"     - {name}: {share['requests']} 次, {share['tokens']:,} tokens, ${share['cost']:.6f}")
    print("   按自定义维度 (场景):")
    for group in tracker.get_stats_by("scenario"):
        print(f"     - {group['keys']['scenario']}: {group['requests']} 次, ${group['cost']:.6f}")


def raise_alerts(monitor: ChannelMonitor) -> None:
    """发出三种渠道告警。"""
    print("\n3. 渠道告警")
    reset = {"remaining_requests": 0, "reset_time": "2025-08-25T00:00:00Z"}
    monitor.record_quota_exhausted("ch_openai_001", "OpenAI Official", reset)
    monitor.record_low_balance("ch_anthropic_001", "Anthropic Official", Decimal("2.50"))
    monitor.record_api_key_invalid("ch_deepseek_001", "DeepSeek Official")
    print("   已发出: 配额用完、余额不足、API密钥失效")


def show_alerts(monitor: ChannelMonitor) -> None:
    """从告警文件读回最近 24 小时的告警。"""
    alerts = monitor.get_recent_alerts(hours=24)
    print(f"\n4. 最近24小时的告警: {len(alerts)} 条")
    for alert in alerts:
        print(f"   [{alert.alert_type}] {alert.timestamp} {alert.message}")


def main() -> None:
    """运行整个示例。"""
    with tempfile.TemporaryDirectory(prefix="smart-ai-router-example-") as directory:
        print(f"成本监控示例 (文件写入 {directory})\n")
        tracker = ScenarioTracker(directory)
        monitor = ChannelMonitor(Path(directory) / "channel_alerts.jsonl")
        asyncio.run(record_calls(tracker))
        show_statistics(tracker)
        raise_alerts(monitor)
        show_alerts(monitor)
        monitor.close()
        print("\n示例完成。")


if __name__ == "__main__":
    main()
