"""`prices set` and `prices import`: the operator's own prices, which go before the shipped book."""

from pathlib import Path

import click
from rich.table import Table

from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.cli.administration_door import administration, idempotency_option, origin
from smart_ai_router.cli.options import place_options
from smart_ai_router.cli.terminal import complain, console, print_json
from smart_ai_router.core.administration_messages import NewPrices, PriceFacts, PriceFigure, PriceImport, PricesOutcome
from smart_ai_router.core.plain_json import plain_text
from smart_ai_router.core.price_admin import FORMATS, OWN_FORMAT
from smart_ai_router.domain.pricing_units import UnitMismatch, plain_price

SKIPPED_TOLD_MAX = 20


@click.command(name="set", short_help="Set prices of one model.")
@place_options
@click.option("--currency", required=True, metavar="CODE", help="USD, CNY ...")
@click.option("--channel", "channel_id", metavar="ID", help="For this channel alone. [default: the whole provider]")
@click.option("--region", help="The provider's region or endpoint, where it has several price lists.")
@click.option("--service-tier", default="standard", help="standard, batch, flex or priority. [default: standard]")
@click.option("--per", type=int, metavar="N", help="The price is for so many. [default: a million tokens, else one]")
@click.option("--from", "effective_from", metavar="WHEN", help="2027-01-01, or 2027-01-01T08:00:00Z. [default: now]")
@click.option("--source", default="operator", help="Where the figure comes from. [default: operator]")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--confirm", is_flag=True, help="Set a figure that looks like a mistaken unit.")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: what was added and what it replaces.")
@click.argument("provider")
@click.argument("model")
@click.argument("figures", nargs=-1, required=True, metavar="UNIT=PRICE...")
def set_command(
    options: StartOptions,
    *,
    provider: str,
    model: str,
    figures: tuple[str, ...],
    per: int | None,
    idempotency_key: str | None,
    as_json: bool,
    **given: str | bool | None,
) -> None:
    """Set what one model costs. Prices are appended, never edited: calls of yesterday keep yesterday's price.

    UNIT is input, cached_input, cache_write_5m, output, reasoning, image, second, minute, request ... Token prices are
    per million tokens. Figures that are not named stay as they are.

    \b
    smart-ai-router prices set openai gpt-4o-mini input=0.15 output=0.60 --currency USD
    smart-ai-router prices set dashscope qwen-max input=2.4 --currency CNY --from 2027-01-01 --dry-run
    smart-ai-router prices set openai gpt-4o output=8 --currency USD --channel ch_openai_001
    """
    asked = NewPrices(
        provider_id=provider,
        model_id=model,
        prices=tuple(_figure(text, per) for text in figures),
        **given,  # type: ignore[arg-type]  # click has made them what the options say
    )
    with administration(options) as verbs:
        outcome = verbs.set_prices(asked, origin(idempotency_key))
    _tell(outcome, as_json)


@click.command(name="import", short_help="Take a whole price list over.")
@place_options
@click.option("--format", "list_format", type=click.Choice(FORMATS), default=OWN_FORMAT, help="How FILE is written.")
@click.option("--provider", "providers", multiple=True, help="Only this provider's; may be given several times.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--confirm", is_flag=True, help="Take figures over that look like mistaken units.")
@idempotency_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: what was added and what it replaces.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_command(
    options: StartOptions,
    *,
    list_format: str,
    providers: tuple[str, ...],
    dry_run: bool,
    confirm: bool,
    idempotency_key: str | None,
    as_json: bool,
    file: Path,
) -> None:
    """Take a price list over as your own prices. What is in force already adds nothing; importing twice is safe.

    \b
    smart-ai-router prices import prices.yaml --dry-run
    smart-ai-router prices import --format litellm --provider openai model_prices.json
    """
    asked = PriceImport(file.read_text(), list_format, providers or None, dry_run, confirm)
    with administration(options) as verbs:
        outcome = verbs.import_prices(asked, origin(idempotency_key))
    _tell(outcome, as_json)


def _figure(text: str, per: int | None) -> PriceFigure:
    word, separator, price = text.partition("=")
    if not separator:
        raise click.UsageError(f"{text!r} is not UNIT=PRICE, such as input=0.15")
    try:
        return PriceFigure(word, plain_price(price), per=per)
    except UnitMismatch as error:
        raise click.UsageError(f"{text}: {error}") from error


def _tell(outcome: PricesOutcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome)
        return
    if outcome.changed:
        table = Table("Owner", "Model", "Meter", "Before", "After", "", box=None, pad_edge=False)
        for each in outcome.changed:
            mark = "unlikely: another unit?" if each.unlikely else ""
            owner = each.new.channel_id or each.new.provider_id
            table.add_row(owner, each.new.model_id, each.new.meter, _price(each.old), _price(each.new), mark)
        console().print(table)
    if outcome.dry_run:
        click.echo(f"would add {len(outcome.added):,} price versions; nothing was changed")
    else:
        click.echo(f"added {len(outcome.added):,} price versions; unchanged: {outcome.unchanged:,}")
    for line in outcome.skipped[:SKIPPED_TOLD_MAX]:
        complain(f"left out: {line}")
    if len(outcome.skipped) > SKIPPED_TOLD_MAX:
        complain(f"left out: {len(outcome.skipped) - SKIPPED_TOLD_MAX:,} more; --json lists all")
    if outcome.effective is False:
        complain("a gateway worker did not answer within a second; it takes the change when it is back")


def _price(facts: PriceFacts) -> str:
    return f"{plain_text(facts.price)} {facts.currency} per {facts.per:,}"
