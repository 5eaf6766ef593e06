"""Secrets on disk: the admin token and the key that seals the snapshot. Files are 0600, made once, never printed."""

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smart_ai_router.core.snapshot import Snapshot

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SNAPSHOT_PURPOSE: Final = b"smart-ai-router snapshot 1"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


class SecretUnreadable(Exception):
    """A secret file is there but holds nothing usable."""


def read_or_make_secret(path: Path, make: bytes) -> bytes:
    """The content of a 0600 file; it is made with `make` when it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        held = path.read_bytes().strip()
        if not held:
            raise SecretUnreadable(f"{path} is empty; remove it to have a new one made") from None
        return held
    with os.fdopen(fd, "wb") as file:
        file.write(make + b"\n")
        file.flush()
        os.fsync(fd)
    return make


def admin_token(data_dir: Path, given: str | None) -> tuple[str, Path | None]:
    """The admin token and the file that holds it; the file is None when the environment or the settings gave one."""
    if given:
        return given, None
    path = data_dir / "admin_token"
    token = read_or_make_secret(path, f"sar-admin-{secrets.token_urlsafe(32)}".encode())
    return token.decode(), path


def kept_admin_token(data_dir: Path, given: str | None) -> str | None:
    """The admin token of a router that has run on this directory; None when it was given to that router alone."""
    if given:
        return given
    try:
        return (data_dir / "admin_token").read_text().strip() or None
    except OSError:
        return None


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """A snapshot as the planes exchange it. It holds upstream keys: it never reaches a disk unsealed."""
    return _encoder.encode(snapshot)


def decode_snapshot(data: bytes) -> Snapshot:
    return _decoder.decode(data)


class SnapshotFile:
    """The last snapshot, sealed with AES-GCM, so that a worker can start while the control plane is down."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "snapshot.sealed"
        self._key_path = data_dir / "snapshot.key"

    def save(self, data: bytes) -> None:
        """Replace the file atomically."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher().encrypt(nonce, data, SNAPSHOT_PURPOSE)
        draft = self._path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(sealed)
        draft.chmod(0o600)
        draft.replace(self._path)

    def load(self) -> Snapshot | None:
        """The snapshot; None when there is none, or none that this version can read."""
        try:
            sealed = self._path.read_bytes()
            data = self._cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], SNAPSHOT_PURPOSE)
            return decode_snapshot(data)
        except (FileNotFoundError, InvalidTag, ValueError, msgspec.DecodeError):
            return None

    def _cipher(self) -> AESGCM:
        key = read_or_make_secret(self._key_path, secrets.token_hex(KEY_BYTES).encode())
        return AESGCM(bytes.fromhex(key.decode()))
