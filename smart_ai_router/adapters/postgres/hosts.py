"""The name under which a host posts: made once, kept beside its journal's other state."""

import re
import secrets
import socket
from pathlib import Path
from typing import Final

from smart_ai_router.core.store import StoreFailure

FILE_NAME: Final = "host_id"
NAME_LENGTH_MAX: Final = 24
CHANCE_BYTES: Final = 6  # two of a thousand hosts of one name share an id once in half a billion times
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def host_id(data_dir: Path) -> str:
    """The id of this data directory: the machine's name and some chance, made when there is none.

    Raises StoreFailure for a file that holds something else.
    """
    path = data_dir / FILE_NAME
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(f"{_made(socket.gethostname())}\n")
    except FileExistsError:
        pass
    kept = path.read_text(encoding="utf-8", errors="replace").strip()
    if _ID.fullmatch(kept) is None:
        raise StoreFailure(
            f"{path} holds no host id: put back what stood there, or remove it, and the journal is posted once more"
            " under a new one (nothing is booked twice)"
        )
    return kept


def _made(machine: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", machine.lower()).strip("-")[:NAME_LENGTH_MAX].strip("-")
    return f"{plain or 'host'}-{secrets.token_hex(CHANCE_BYTES)}"
