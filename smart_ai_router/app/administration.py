"""Opens the administration of a data directory: its actions file, its rows in the books, its verbs."""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.sqlite.store import SqliteStore
from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.loading import Loaded
from smart_ai_router.config.price_book import PriceBook, parse_price_list, read_price_book
from smart_ai_router.config.snapshot import build_snapshot
from smart_ai_router.core.administration import ActionDesk, ActionsUnwritable, CaughtUp
from smart_ai_router.core.administration_verbs import Administration
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.core.store import StoreUnavailable
from smart_ai_router.domain.pricing import PriceVersion

_logger = logging.getLogger(__name__)


class AdministrationOffice:
    """The desk and the verbs over one store; whoever holds it writes the actions file, and nobody else."""

    def __init__(
        self,
        store: SqliteStore,
        data_dir: Path,
        *,
        given_prices: Callable[[], Sequence[PriceVersion]],
        tell_gateways: Callable[[], bool],
    ) -> None:
        self._rows = store.administration
        self._desk = ActionDesk(
            self._rows,
            ActionFile(data_dir),
            clock=time.time,
            random_bytes=secrets.token_bytes,
            tell_gateways=tell_gateways,
        )
        self.state = self._rows.state
        self.verbs = Administration(
            self._desk,
            self._rows,
            random_bytes=secrets.token_bytes,
            given_prices=given_prices,
            read_list=parse_price_list,
        )

    def catch_up(self) -> CaughtUp | None:
        """Bring actions file and books together; None when one of them cannot be written now.

        Raises StoreFailure when they do not belong together, or when a later version wrote the file.
        """
        try:
            return self._desk.catch_up()
        except (ActionsUnwritable, StoreUnavailable) as failure:
            _logger.error("administrative changes may be missing from the books: %s; this is tried again", failure)
            return None

    def catch_up_if_behind(self) -> bool:
        """True when something was behind and is not any more, so that the gateways must be told."""
        return self._desk.is_behind and self.catch_up() is not None

    def usable_key_count(self) -> int:
        """How many keys are accepted now."""
        return self._rows.usable_key_count(self._desk.now_ms())


def with_rest_of_book(prices: Iterable[PriceVersion], book: PriceBook) -> tuple[PriceVersion, ...]:
    """Prices in use, and the shipped lists of providers that are not: those in use stand under the configured names."""
    rows = tuple(prices)
    listed = {row.provider for row in rows if row.is_book}
    return (*rows, *(row for row in book.versions if row.provider not in listed))


def configured_prices(loaded: Loaded) -> tuple[PriceVersion, ...]:
    """The prices of a configuration and the shipped book, without a router at work."""
    built, book = build_channels(loaded.settings, os.environ, probe=None), read_price_book()
    snapshot = build_snapshot(loaded.settings, built, book, StoreState(), version=1, now=time.time())
    return with_rest_of_book(snapshot.prices, book)
