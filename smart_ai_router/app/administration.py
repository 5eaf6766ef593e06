"""Opens the administration of a data directory: its actions file, its rows in the books, its verbs."""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.passwords import Argon2Passwords
from smart_ai_router.app.engines import Books
from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.loading import Loaded
from smart_ai_router.config.price_book import PriceBook, parse_price_list, read_price_book
from smart_ai_router.config.snapshot import build_snapshot
from smart_ai_router.core.administration import ActionDesk, ActionsUnwritable, CaughtUp
from smart_ai_router.core.administration_verbs import Administration
from smart_ai_router.core.logins import Logins
from smart_ai_router.core.snapshot import KeyGrant, StoreState
from smart_ai_router.core.store import StoreFailure, StoreUnavailable
from smart_ai_router.domain.pricing import PriceVersion

LOGINS_TIDIED_EVERY_S: Final = 60.0

_logger = logging.getLogger(__name__)


class AdministrationOffice:
    """The desk and the verbs over one store; whoever holds it writes the actions file, and nobody else."""

    def __init__(
        self,
        store: Books,
        data_dir: Path,
        *,
        given_prices: Callable[[], Sequence[PriceVersion]],
        tell_gateways: Callable[[], bool],
        usable_key: Callable[[str], KeyGrant | None] = lambda _: None,
        admin_token: str | None = None,
    ) -> None:
        """`usable_key` knows the API keys that are accepted now, for users who log in, as `admin_token` does."""
        self.rows = store.administration
        self.desk = ActionDesk(
            self.rows,
            ActionFile(data_dir),
            clock=time.time,
            random_bytes=secrets.token_bytes,
            tell_gateways=tell_gateways,
        )
        self.state = self.rows.state
        self.stored_prices = self.rows.prices
        self.verbs = Administration(
            self.desk,
            self.rows,
            random_bytes=secrets.token_bytes,
            given_prices=given_prices,
            read_list=parse_price_list,
            hasher=Argon2Passwords(),
        )
        self.logins = Logins(
            self.desk,
            self.rows,
            store.sessions,
            hasher=Argon2Passwords(),
            usable_key=usable_key,
            random_bytes=secrets.token_bytes,
            monotonic=time.monotonic,
            admin_token=admin_token,
        )
        self._tidied = time.monotonic()

    def catch_up(self) -> CaughtUp | None:
        """Bring actions file and books together; None when one of them cannot be written now.

        Raises StoreFailure when they do not belong together, or when a later version wrote the file.
        """
        try:
            return self.desk.catch_up()
        except (ActionsUnwritable, StoreUnavailable) as failure:
            _logger.error("administrative changes may be missing from the books: %s; this is tried again", failure)
            return None

    def catch_up_if_behind(self) -> bool:
        """True when something was behind and is not any more, so that the gateways must be told."""
        try:
            is_late = self.desk.is_behind or self.desk.has_news()
        except StoreUnavailable:
            return False  # this is asked again
        return is_late and self.catch_up() is not None

    def tidy_logins(self) -> None:
        """Once a minute at most: forget sessions that have ended, note refused logins that were only counted."""
        if time.monotonic() < self._tidied + LOGINS_TIDIED_EVERY_S:
            return
        self._tidied = time.monotonic()
        try:
            self.logins.tidy()
        except StoreFailure as failure:
            _logger.warning("sessions that have ended are still kept: %s", failure)

    def usable_key_count(self) -> int:
        """How many keys are accepted now."""
        return self.rows.usable_key_count(self.desk.now_ms())


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
