"""扩展示例：自己的告警方式和自己的统计维度，用在运行中的路由器里。

    python examples/own_extensions.py

离线演示两个类；要让路由器使用它们，在 router_config.yaml 中写：

    extensions:
      path: examples
      monitor: own_extensions:TicketMonitor
      tracker: own_extensions:TeamTracker

之后每条告警都会开一张工单，`report --by team` 按团队统计。
"""

import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"  # 由 python main.py 第一次运行时创建
if find_spec("msgspec") is None:
    if not PYTHON.exists() or Path(sys.prefix) == PYTHON.parent.parent:
        sys.exit("缺少运行环境：请先运行一次 python main.py")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - the project's own Python, no shell wanted
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from msgspec.structs import replace  # noqa: E402 - the environment comes first

from smart_ai_router.core.utils.channel_monitor import ChannelMonitor  # noqa: E402
from smart_ai_router.core.utils.usage_tracker import (  # noqa: E402
    UsageRecord,
    UsageTracker,
    create_usage_record,
)

tickets = logging.getLogger("tickets")


class TicketMonitor(ChannelMonitor):
    """每条告警开一张工单（这里写入程序日志）；super() 保留告警文件和所有通知器。"""

    def _send_alert(
        self,
        channel_id: str,
        channel_name: str,
        alert_type: str,
        message: str,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super()._send_alert(channel_id, channel_name, alert_type, message, details)
        tickets.warning("工单 %s: %s", alert_type, message)


class TeamTracker(UsageTracker):
    """按团队统计：客户端在请求的 user 字段里写 "团队/姓名"。"""

    def dimensions(self, record: UsageRecord) -> Mapping[str, str]:
        return {"team": (record.end_user or "nobody").partition("/")[0]}


def main() -> int:
    """演示：一条告警，两个团队。"""
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    with tempfile.TemporaryDirectory() as directory:
        monitor = TicketMonitor(Path(directory) / "channel_alerts.jsonl")
        monitor.record_quota_exhausted("ch_openai_001", "OpenAI Official", {"remaining_requests": 0})
        monitor.close()
        tracker = TeamTracker(directory)
        for end_user, cost in (("research/alice", "0.0003"), ("research/bob", "0.0001"), ("sales/carol", "0.0002")):
            record = create_usage_record("gpt-4o-mini", "ch_1", "One", "openai", 150, 300, "0", cost)
            tracker.record_usage(replace(record, end_user=end_user))
        for group in tracker.get_stats_by("team"):
            print(f"{group['keys']['team']}: {group['requests']} 次，${group['cost']:f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
