"""`report`: what was used and what it cost, from the journal's files; no router need be running."""

import click

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.options import load, place_options
from smart_ai_router.cli.terminal import print_json
from smart_ai_router.core.report import report_text
from smart_ai_router.core.statistics.periods import DateInvalid, parse_day
from smart_ai_router.core.utils.usage_tracker import UsageTracker


@click.command(short_help="Usage and cost of a day, its week and its month. 统计报告")
@place_options
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The day. [default: today in system.time_zone]")
@click.option("--json", "as_json", is_flag=True, help="For scripts: all figures, amounts in plain exact digits.")
def report(options: StartOptions, day: str | None, as_json: bool) -> None:
    """Usage and cost of a day, its week and its month, with the models and channels that lead.

    \b
    smart-ai-router report
    smart-ai-router report --date 2025-08-20 --json
    """
    settings = load(options).settings
    try:
        chosen = None if day is None else parse_day(day)
    except DateInvalid as error:
        raise click.BadParameter(str(error), param_hint="--date") from error
    system = settings.system
    tracker = UsageTracker(settings.journal.logs_dir, time_zone=system.time_zone, currency=system.currency)
    answer = tracker.get_report(chosen)
    if as_json:
        print_json(answer)
    else:
        click.echo(report_text(answer), nl=False)
