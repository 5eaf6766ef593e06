"""The whole ledger as lines of JSON: every transfer with its entries, then every account with its sums.

Amounts are exact decimals in plain digits, in the units that people read (units of a currency, tokens, images, minutes
of sound, seconds of video), with the whole number of smallest parts beside them. Transfers of calls come first, by
rising number of their records, then those of actions in the order in which they were made.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from smart_ai_router.core.ledger_store import LedgerAccount, LedgerReader
from smart_ai_router.core.plain_json import encode_plain
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.domain.accounts import AccountKey, shown_amount
from smart_ai_router.domain.ledger import Transfer


def ledger_lines(ledger: LedgerReader) -> Iterator[bytes]:
    """The lines, without newlines."""
    made = (each.transfer for each in ledger.made_transfers())
    for transfer in chain(ledger.usage_transfers(), made):
        yield encode_plain(_transfer_facts(transfer))
    for account in ledger.accounts():
        yield encode_plain(_account_facts(account))


def _transfer_facts(transfer: Transfer) -> Mapping[str, object]:
    facts: dict[str, object] = {
        "type": "transfer",
        "kind": transfer.kind.value,
        "key": transfer.key,
        "at": iso_utc_ms(transfer.at_ms),
        "entries": [
            {**_name(account), "amount": shown_amount(account.unit, amount), "parts": amount}
            for account, amount in transfer.entries
        ],
    }
    words = {
        "request_id": transfer.request_id,
        "actor": transfer.actor,
        "source": transfer.source,
        "remark": transfer.remark,
    }
    return facts | {name: word for name, word in words.items() if word}


def _account_facts(account: LedgerAccount) -> Mapping[str, object]:
    unit = account.key.unit
    return {
        "type": "account",
        **_name(account.key),
        "credited": shown_amount(unit, account.credited),
        "used": shown_amount(unit, account.used),
        "balance": shown_amount(unit, account.balance),
        "leased": shown_amount(unit, account.leased),
        "balance_parts": account.balance,
    }


def _name(account: AccountKey) -> dict[str, object]:
    return {"account": account.kind.value, "owner": account.owner, "unit": account.unit, "part": account.part}
