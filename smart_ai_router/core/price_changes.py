"""An operator's own prices: set, imported, listed.

Every change is tried on all prices together before it is recorded: a list that the gateway could not bill by never
reaches it. "At once" means from the present second on; prices are dated in whole seconds.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace as altered
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from smart_ai_router.core.actions import PricesAdded, price_row, price_version
from smart_ai_router.core.administration import ActionDesk, AdministrationStore, Origin, Performed
from smart_ai_router.core.administration_messages import (
    NewPrices,
    PriceDifference,
    PriceFacts,
    PriceFigure,
    PriceImport,
    PricePage,
    PricesOutcome,
)
from smart_ai_router.core.plain_json import plain_text
from smart_ai_router.core.price_admin import ReadPriceList, adopt_prices, import_prices, list_prices
from smart_ai_router.core.price_diff import diff_prices
from smart_ai_router.core.price_setting import (
    PriceInstantTaken,
    PriceNeedsConfirmation,
    PriceOrder,
    PriceRefused,
    is_unlikely,
    make_order,
    set_list,
)
from smart_ai_router.core.timestamps import Instant, seconds_of, utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid, checked_limit
from smart_ai_router.domain.money import AmountInvalid
from smart_ai_router.domain.pricing import STANDARD_TIER, PriceCatalog, PriceConflict, PriceVersion
from smart_ai_router.domain.pricing_versions import instant_text

FIGURES_MAX: Final = 64  # of one model; there are 16 units and a few sizes
ROWS_MAX: Final = 60_000  # of one import; all public lists together have a third of it
UNLIKELY_TOLD_MAX: Final = 10
TEXT_CHARACTERS_MAX: Final = 256
SERVICE_TIERS: Final = (STANDARD_TIER, "batch", "flex", "priority")

_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class PricesConflict(PriceRefused):
    """The prices cannot stand beside those that are there."""

    status = 409
    code = "price_conflict"


class _Wanted(NamedTuple):
    """What a request would come to."""

    added: tuple[PriceVersion, ...]
    outcome: PricesOutcome


class _NothingToDo(Exception):
    """All of it is in force already; nothing is recorded."""

    def __init__(self, outcome: PricesOutcome) -> None:
        super().__init__()
        self.outcome = outcome


class PriceChanges:
    """The verbs."""

    def __init__(
        self,
        desk: ActionDesk,
        store: AdministrationStore,
        *,
        given_prices: Callable[[], Sequence[PriceVersion]],
        read_list: ReadPriceList,
    ) -> None:
        """`given_prices` are those of the configuration and the shipped book; `read_list` reads our own form."""
        self._desk = desk
        self._store = store
        self._given_prices = given_prices
        self._read_list = read_list

    def set_prices(self, asked: NewPrices, origin: Origin) -> PricesOutcome:
        """Set figures of one model; raises FieldInvalid, PriceRefused, PriceNeedsConfirmation, PricesConflict."""
        orders = _orders(asked)
        verb = f"set prices of {asked.channel_id or asked.provider_id}"
        return self._carry_out(verb, asked, origin, lambda now: self._setting(asked, orders, now))

    def import_prices(self, asked: PriceImport, origin: Origin) -> PricesOutcome:
        """Take a price list over; raises PriceListInvalid, PriceNeedsConfirmation, PricesConflict."""
        return self._carry_out("import prices", asked, origin, lambda now: self._importing(asked, now))

    def prices(
        self,
        *,
        provider: str | None = None,
        model: str | None = None,
        channel: str | None = None,
        in_force: bool = True,
        cursor: str = "",
        limit: int = 100,
    ) -> PricePage:
        """Price versions of every owner, by id; `model` is any part of a name."""
        rows = self._all_prices()
        if in_force:
            rows = list_prices(rows, self._now())
        chosen = {
            row.id: row
            for row in rows
            if row.id > cursor
            and (provider is None or row.provider.lower() == provider.lower())
            and (model is None or model.lower() in row.model.lower())
            and (channel is None or row.channel_id == channel)
        }
        ids = sorted(chosen)[: checked_limit(limit)]
        more = ids[-1] if len(chosen) > len(ids) else None
        return PricePage(tuple(price_facts(chosen[each]) for each in ids), more)

    # --- parts ---

    def _carry_out(
        self, verb: str, asked: NewPrices | PriceImport, origin: Origin, want: Callable[[Instant], _Wanted]
    ) -> PricesOutcome:
        if asked.dry_run:
            return want(self._now()).outcome
        wanted: list[_Wanted] = []

        def decide(at_ms: int) -> PricesAdded:
            found = want(seconds_of(at_ms - at_ms % 1000))
            if not found.added:
                raise _NothingToDo(found.outcome)
            self._require_billable(found.added)
            wanted.append(found)
            return PricesAdded(tuple(price_row(row) for row in found.added))

        try:
            done = self._desk.perform(verb, asked, origin, decide)
        except _NothingToDo as nothing:
            return nothing.outcome
        outcome = wanted[0].outcome if wanted else _recorded(done)
        return replace(outcome, effective=done.is_effective)

    def _setting(self, asked: NewPrices, orders: Sequence[PriceOrder], now: float) -> _Wanted:
        rows, confirm = self._all_prices(), asked.confirm or asked.dry_run
        try:
            change = set_list(rows, orders, now, confirm=confirm)
        except PriceInstantTaken:
            if asked.effective_from is not None:
                raise
            change = set_list(rows, [altered(each, effective_from=now + 1) for each in orders], now, confirm=confirm)
        changed = tuple(
            PriceDifference(price_facts(figure.previous), price_facts(figure.version), figure.is_unlikely)
            for figure in change.figures
            if figure.previous is not None and figure.is_new
        )
        added = tuple(price_facts(row) for row in change.added)
        unchanged = sum(1 for figure in change.figures if not figure.is_new)
        return _Wanted(change.added, PricesOutcome(asked.dry_run, added, changed, unchanged, ()))

    def _importing(self, asked: PriceImport, now: float) -> _Wanted:
        checked = instant_text(now - now % 86_400)
        imported = import_prices(asked.content, asked.format, checked, self._read_list, asked.providers)
        if len(imported.versions) > ROWS_MAX:
            raise FieldInvalid(f"the list has {len(imported.versions)} prices, an import takes {ROWS_MAX}; split it")
        rows = self._all_prices()
        difference = diff_prices(rows, imported.versions, now)
        changed = tuple(
            PriceDifference(price_facts(each.old), price_facts(each.new), each.is_suspicious or is_unlikely(each.new))
            for each in difference.changed
        )
        unlikely = [each.new for each in changed if each.unlikely]
        unlikely += [price_facts(row) for row in difference.added if is_unlikely(row)]
        if unlikely and not (asked.confirm or asked.dry_run):
            told = ", ".join(
                f"{each.id} {plain_text(each.price)} {each.currency}" for each in unlikely[:UNLIKELY_TOLD_MAX]
            )
            raise PriceNeedsConfirmation(
                f"{len(unlikely)} prices look like mistaken units ({told}); look at them with a dry run, then confirm"
            )
        kept = {row.id: row for row in rows}
        added = adopt_prices(rows, imported.versions, now)
        if any(kept.get(row.id, row) != row for row in added):  # another change within this second
            added = adopt_prices(rows, imported.versions, now + 1)
        skipped = tuple(f"{each.provider}/{each.model}: {each.reason}" for each in imported.skipped)
        facts = tuple(price_facts(row) for row in added)
        return _Wanted(added, PricesOutcome(asked.dry_run, facts, changed, difference.unchanged, skipped))

    def _require_billable(self, added: Sequence[PriceVersion]) -> None:
        """Refuse rows that contradict another one, or that make a list nobody can bill by."""
        rows = self._all_prices()
        known = {row.id: row for row in rows}
        for row in added:
            if known.get(row.id, row) != row:
                raise PricesConflict(f"{row.id} stands already with other figures; try again in a second")
        try:
            catalog = PriceCatalog((*rows, *added))
            for row in added:
                name = row.model.replace("*", "")
                catalog.sheet(row.channel_id or "", row.provider, row.region, name, name, row.effective_from)
        except PriceConflict as conflict:
            raise PricesConflict(str(conflict)) from conflict

    def _all_prices(self) -> Sequence[PriceVersion]:
        stored = {each.price.id: price_version(each.price) for each in self._store.prices()}
        return (*stored.values(), *(row for row in self._given_prices() if row.id not in stored))

    def _now(self) -> Instant:
        at_ms = self._desk.now_ms()
        return seconds_of(at_ms - at_ms % 1000)


def price_facts(row: PriceVersion) -> PriceFacts:
    """A price version as it is told."""
    owner = "channel" if row.channel_id is not None else "book" if row.is_book else "provider"
    return PriceFacts(
        id=row.id,
        owner=owner,
        provider_id=row.provider,
        model_id=row.model,
        channel_id=row.channel_id,
        region=row.region,
        meter=row.meter.value,
        price=row.price,
        per=row.per,
        currency=row.currency,
        service_tier=row.service_tier,
        context_over=row.context_over,
        output_over=row.output_over,
        with_reasoning=row.with_reasoning,
        variant=row.variant,
        window_utc=row.window_utc,
        weekdays_utc=row.weekdays_utc,
        minimum_charge=row.minimum_charge,
        round_up_to=row.round_up_to,
        effective_from=instant_text(row.effective_from) if row.effective_from else None,
        effective_to=None if row.effective_to is None else instant_text(row.effective_to),
        source=row.source,
        checked=row.checked,
    )


def _recorded(done: Performed) -> PricesOutcome:
    """What a repeated request is told: what was added when it was made."""
    change = done.action.change
    assert isinstance(change, PricesAdded)
    return PricesOutcome(False, tuple(price_facts(price_version(row)) for row in change.prices), (), 0, (), UNSET)


def _orders(asked: NewPrices) -> tuple[PriceOrder, ...]:
    named = {"providerId": asked.provider_id, "modelId": asked.model_id, "source": asked.source}
    optional = {"channelId": asked.channel_id, "region": asked.region}
    _require_texts({**named, **{field: text for field, text in optional.items() if text is not None}})
    if not _CURRENCY.fullmatch(asked.currency):
        raise FieldInvalid(f"{asked.currency[:8]!r} is not a currency code such as USD", param="currency")
    if asked.service_tier not in SERVICE_TIERS:
        raise FieldInvalid(f"serviceTier is one of {', '.join(SERVICE_TIERS)}", param="serviceTier")
    if not 0 < len(asked.prices) <= FIGURES_MAX:
        raise FieldInvalid(f"prices holds 1 to {FIGURES_MAX} figures", param="prices")
    begins_at = None if asked.effective_from is None else _instant(asked.effective_from)
    return tuple(
        altered(
            make_order(
                asked.provider_id,
                asked.model_id,
                figure.pricing_type,
                _digits(figure.price),
                asked.currency,
                unit=figure.unit,
                min_charge_unit=None if figure.min_charge_unit is None else _digits(figure.min_charge_unit),
                per=_per(figure),
                channel_id=asked.channel_id,
                region=asked.region,
                service_tier=asked.service_tier,
            ),
            effective_from=begins_at,
            source=asked.source,
        )
        for figure in asked.prices
    )


def _require_texts(texts: dict[str, str]) -> None:
    for field, text in texts.items():
        if not 0 < len(text) <= TEXT_CHARACTERS_MAX or not text.isprintable() or text != text.strip():
            raise FieldInvalid(f"{field} has 1 to {TEXT_CHARACTERS_MAX} printable characters", param=field)
    if texts["modelId"].count("*") > 1:
        raise FieldInvalid("modelId is a name, or a pattern with one *", param="modelId")


def _per(figure: PriceFigure) -> str | None:
    return None if figure.per is None else str(figure.per)


def _digits(number: Decimal) -> str:
    try:
        return plain_text(number)
    except AmountInvalid as error:
        raise FieldInvalid(f"{number} is not a price in plain digits such as 0.075", param="prices") from error


def _instant(text: str) -> float:
    try:
        at_ms = utc_ms(text)
    except ValueError as error:
        raise FieldInvalid(f"effectiveFrom: {error}", param="effectiveFrom") from error
    if at_ms % 1000:
        raise FieldInvalid("prices are dated in whole seconds", param="effectiveFrom")
    return seconds_of(at_ms)
