"""归档使用日志，生成统计报告。

    python scripts/archive_usage_logs.py --archive [--days-to-keep 30]
    python scripts/archive_usage_logs.py --report [--date 2025-08-20] [--json]

退出码：0 完成，1 失败，2 参数错误。归档后的日志仍计入所有统计。
"""

import argparse
import os
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"  # 由 python main.py 第一次运行时创建
if find_spec("msgspec") is None:
    if not PYTHON.exists() or Path(sys.prefix) == PYTHON.parent.parent:
        sys.exit("缺少运行环境：请先运行一次 python main.py")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])
sys.path.insert(0, str(ROOT))

from smart_ai_router.adapters.launch import StartOptions  # noqa: E402 - the environment comes first
from smart_ai_router.cli.options import load  # noqa: E402
from smart_ai_router.config.problems import ConfigurationInvalid  # noqa: E402
from smart_ai_router.core.plain_json import encode_plain  # noqa: E402
from smart_ai_router.core.report import report_text  # noqa: E402
from smart_ai_router.core.statistics.periods import DateInvalid, parse_day  # noqa: E402
from smart_ai_router.core.utils.usage_tracker import UsageTracker  # noqa: E402

DAYS_MAX = 36_500


class WrongUsage(Exception):
    """参数有误；退出码 2。"""


def main(arguments: list[str] | None = None) -> int:
    """运行脚本，返回退出码。"""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        day = read_day(options.date)
        days_to_keep = read_days_to_keep(options.days_to_keep)
        settings = load(StartOptions(config=options.config, logs_dir=options.logs_dir)).settings
    except (WrongUsage, ConfigurationInvalid) as error:
        print(f"[FAIL] {error}", file=sys.stderr)
        return 2
    if not options.archive and not options.report:
        print("请指定 --archive 或 --report\n")
        parser.print_help()
        return 0
    system = settings.system
    tracker = UsageTracker(settings.journal.logs_dir, time_zone=system.time_zone, currency=system.currency)
    status = 0
    try:
        if options.archive:
            status = archive(tracker, days_to_keep, sys.stderr if options.json else sys.stdout)
        if options.report:
            print(report(tracker, day, options.json), end="")
    except OSError as error:
        print(f"[FAIL] {error}", file=sys.stderr)
        return 1
    return status


def archive(tracker: UsageTracker, days_to_keep: int, out: TextIO) -> int:
    """归档 `days_to_keep` 天以前的日志，返回退出码。"""
    print(f"[ARCHIVE] 开始归档 {days_to_keep} 天前的使用日志 ({tracker.logs_dir})", file=out)
    done = tracker.archive_old_logs(days_to_keep)
    for packed in done.packed:
        print(f"  {packed.name} -> {packed.archive} ({packed.size:,} -> {packed.packed_size:,} 字节)", file=out)
    for name, why in done.failures:
        print(f"[FAIL] {name}: {why}", file=sys.stderr)
    if not done.failures:
        print(f"[PASS] 日志归档完成，共 {len(done.packed)} 个文件", file=out)
    return done.exit_status


def report(tracker: UsageTracker, day: date | None, as_json: bool) -> str:
    """统计报告，文本或 JSON。"""
    answer = tracker.get_report(day)
    return encode_plain(answer).decode() + "\n" if as_json else report_text(answer)


def make_parser() -> argparse.ArgumentParser:
    """命令行参数。"""
    parser = argparse.ArgumentParser(description="归档使用日志，生成统计报告", allow_abbrev=False)
    parser.add_argument("--archive", action="store_true", help="归档旧日志")
    parser.add_argument("--days-to-keep", default="30", metavar="N", help="保留最近 N 天的日志（默认 30）")
    parser.add_argument("--report", action="store_true", help="生成统计报告")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="报告日期（默认今天）")
    parser.add_argument("--json", action="store_true", help="以 JSON 输出报告")
    parser.add_argument("--config", metavar="FILE", help="配置文件（默认 config/router_config.yaml，若存在）")
    parser.add_argument("--logs-dir", metavar="DIR", help="日志目录（默认 ./logs）")
    return parser


def read_day(text: str | None) -> date | None:
    """--date 的值。"""
    try:
        return None if text is None else parse_day(text)
    except DateInvalid as error:
        raise WrongUsage(str(error)) from error


def read_days_to_keep(text: str) -> int:
    """--days-to-keep 的值：0 或更大的整数。"""
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= DAYS_MAX):
        raise WrongUsage(f"--days-to-keep 应为 0 到 {DAYS_MAX} 的整数")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
