"""Passwords as Argon2id hashes, with the parameters that OWASP's password storage cheat sheet names first.

19 MiB, two passes, one lane: about 40 ms of one core. At most two are worked on at a time, so that logins take neither
all cores nor much memory; the hashing itself runs outside of the interpreter's lock.
"""

from threading import Semaphore
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
AT_A_TIME_MAX: Final = 2
DECOY: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"  # nobody's: no password fits


class Argon2Passwords:
    """Implements `core.administrators.PasswordHasher`."""

    def __init__(self) -> None:
        self._turn = Semaphore(AT_A_TIME_MAX)
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES, type=Type.ID)

    def hash(self, password: str) -> str:
        """See `PasswordHasher`."""
        with self._turn:
            return self._hasher.hash(password)

    def fits(self, password: str, password_hash: str | None) -> bool:
        """See `PasswordHasher`."""
        with self._turn:
            try:
                self._hasher.verify(password_hash or DECOY, password)
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None
