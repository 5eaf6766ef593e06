"""`report`: what was used and what it cost, from the journal's files; no router need be running."""

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.app.extensions import make_tracker
from smart_ai_router.cli.options import load, place_options
from smart_ai_router.cli.terminal import print_json
from smart_ai_router.core.report import report_text
from smart_ai_router.core.statistics.periods import DateInvalid, parse_day
from smart_ai_router.core.statistics_store import GroupingUnavailable
from smart_ai_router.core.utils.usage_tracker import GroupStatistics


@click.command(short_help="Usage and cost of a day, its week and its month. 统计报告")
@place_options
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The day. [default: today in system.time_zone]")
@click.option(
    "--by",
    metavar="NAMES",
    help="Instead: totals by dimensions, such as day,model, or by those that extensions.tracker adds.",
)
@click.option("--first", metavar="YYYY-MM-DD", help="With --by: the first day, up to --date. [default: --date]")
@click.option("--json", "as_json", is_flag=True, help="For scripts: all figures, amounts in plain exact digits.")
def report(options: StartOptions, day: str | None, by: str | None, first: str | None, as_json: bool) -> None:
    """Usage and cost of a day, its week and its month, with the models and channels that lead.

    \b
    smart-ai-router report
    smart-ai-router report --date 2025-08-20 --json
    smart-ai-router report --by channel,model --first 2025-08-01 --date 2025-08-31
    """
    for option, text in (("--date", day), ("--first", first)):
        _require_date(option, text)
    if first is not None and by is None:
        raise click.BadParameter("is for --by; a report shows the day, its week and its month", param_hint="--first")
    tracker = make_tracker(load(options))
    if by is None:
        answer = tracker.get_report(day)
        if as_json:
            print_json(answer)
        else:
            click.echo(report_text(answer), nl=False)
        return
    names = [name.strip() for name in by.split(",") if name.strip()]
    try:
        groups = tracker.get_stats_by(*names, first=first or day, last=day)
    except GroupingUnavailable as error:
        raise click.BadParameter(str(error), param_hint="--by") from error
    if as_json:
        print_json(groups)
    else:
        click.echo(_groups_text(names, groups), nl=False)


def _require_date(option: str, text: str | None) -> None:
    try:
        if text is not None:
            parse_day(text)
    except DateInvalid as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _groups_text(names: list[str], groups: list[GroupStatistics]) -> str:
    """Columns apart by a tab, so that a spreadsheet takes them."""
    lines = ["\t".join([*names, "requests", "failed", "tokens", "cost"])]
    for group in groups:
        keys = [group["keys"][name] or "-" for name in names]
        figures = (group["requests"], group["failed_requests"], group["tokens"], f"{group['cost']:f}")
        lines.append("\t".join([*keys, *map(str, figures)]))
    return "\n".join(lines) + "\n"
