"""The proof of what administrators did: users, keys and prices are made once more from the actions file, and compared.

The store is read first and the file afterwards, as far as the store has come, so that the router may go on meanwhile.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from smart_ai_router.core.administration import ActionLog, AdministrationStore, read_actions
from smart_ai_router.core.administrative_state import AdministrativeState
from smart_ai_router.core.ledger_rows import SEPARATOR, MadeTransfer, SettingRow
from smart_ai_router.core.verification_report import VerificationReport

Key = TypeVar("Key", str, int)
NOTHING = "nothing"
UNSHOWN = ("password_hash",)


def verify_actions(report: VerificationReport, log: ActionLog, store: AdministrationStore) -> None:
    """Note every row in which the store and the file differ. Raises ActionUnknown, ActionsUnwritable."""
    kept = store.everything()
    standing, damaged = read_actions(log)
    last = max(kept.audit, default=0)
    fold = AdministrativeState()
    for number, action in standing.items():
        if number <= last:
            fold.apply(action)
    report.actions = len(fold.audit)
    report.pending_actions = len(standing) - len(fold.audit)
    report.problem_lines += damaged
    _compare(report, "user", fold.users, kept.users)
    _compare(report, "key", fold.keys, kept.keys)
    _compare(report, "price", fold.prices, kept.prices)
    _compare(report, "administrator", fold.administrators, kept.administrators)
    _compare(report, "setting", _by_text(fold.settings), _by_text(kept.settings))
    _compare_transfers(report, fold.transfers, kept.transfers)
    _compare(report, "action", fold.audit, kept.audit)


def _by_text(rows: Mapping[tuple[str, str], SettingRow]) -> Mapping[str, SettingRow]:
    return {" ".join((kind, *key.split(SEPARATOR))): row for (kind, key), row in rows.items()}


def _compare_transfers(
    report: VerificationReport, file: Mapping[str, MadeTransfer], books: Mapping[str, MadeTransfer]
) -> None:
    for key in sorted(file.keys() | books.keys()):
        ours, theirs = file.get(key), books.get(key)
        if ours != theirs:
            report.note("transfer", key, ours or NOTHING, theirs or NOTHING)


def _compare(
    report: VerificationReport, what: str, file: Mapping[Key, msgspec.Struct], books: Mapping[Key, msgspec.Struct]
) -> None:
    for key in sorted(file.keys() | books.keys()):
        ours, theirs = file.get(key), books.get(key)
        if ours != theirs:
            names = _differing(ours, theirs)
            report.note(what, str(key), _shown(ours, names), _shown(theirs, names))


def _differing(ours: msgspec.Struct | None, theirs: msgspec.Struct | None) -> tuple[str, ...]:
    row = ours or theirs
    names: tuple[str, ...] = () if row is None else row.__struct_fields__
    if ours is None or theirs is None:
        return names[:2]
    return tuple(name for name in names if getattr(ours, name) != getattr(theirs, name))


def _shown(row: msgspec.Struct | None, names: tuple[str, ...]) -> str:
    if row is None:
        return NOTHING
    return ", ".join(f"{name} {'(not shown)' if name in UNSHOWN else getattr(row, name)}" for name in names)
