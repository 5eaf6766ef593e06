"""Undo a content encoding that nobody asked for, within bounds.

We ask for `identity`. Some servers and the caches before them compress all the same; what they send must be readable
for metering, and must not be a bomb.
"""

import zlib
from collections.abc import Iterator

PIECE_BYTES = 65_536  # how much is handed on at a time
DECODED_BYTES_MAX = 64 * 1024 * 1024  # far above any completion; a bomb stops here
RATIO_MAX = 200  # JSON full of one repeated token reaches about 100; a bomb reaches 1,000
RATIO_FLOOR_BYTES = 1024 * 1024  # below this the ratio is not looked at


class DecodingError(Exception):
    """The encoded body is broken, cut, or a bomb."""


class Decoder:
    """Decodes one gzip or deflate body as it comes."""

    __slots__ = ("_decoded_bytes", "_encoded_bytes", "_held", "_inflate")

    def __init__(self, encoding: str) -> None:
        """Raises DecodingError for an encoding that is not gzip or deflate."""
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise DecodingError(f"the reply is encoded as {encoding[:40]!r}, which was not asked for")
        # Half of the world sends deflate without its zlib wrapper: its first two bytes tell, so they are awaited.
        self._inflate = None if encoding == "deflate" else zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._held = b""
        self._encoded_bytes = 0
        self._decoded_bytes = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decodes to, in pieces of bounded size. Raises DecodingError."""
        self._encoded_bytes += len(data)
        if self._inflate is None:
            data = self._held + data
            if len(data) < 2:
                self._held = data
                return
            wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        inflate = self._inflate
        if inflate.eof and data:
            raise DecodingError("the encoded reply goes on after its end")
        while True:
            try:
                piece = inflate.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise DecodingError(f"the encoded reply is broken: {error}") from error
            self._decoded_bytes += len(piece)
            self._check_bounds(self._encoded_bytes - len(inflate.unconsumed_tail))
            if piece:
                yield piece
            if inflate.unused_data:
                raise DecodingError("the encoded reply goes on after its end")
            data = inflate.unconsumed_tail
            if not data and len(piece) < PIECE_BYTES:  # a full piece may have left output inside the decoder
                return

    def finish(self) -> None:
        """Raises DecodingError when the encoded body stopped before its own end."""
        if self._encoded_bytes and not (self._inflate is not None and self._inflate.eof):
            raise DecodingError("the encoded reply stopped before its end")

    def _check_bounds(self, consumed_bytes: int) -> None:
        if self._decoded_bytes > DECODED_BYTES_MAX:
            raise DecodingError(f"the reply decodes to more than {DECODED_BYTES_MAX} bytes")
        if self._decoded_bytes > RATIO_FLOOR_BYTES and self._decoded_bytes > consumed_bytes * RATIO_MAX:
            raise DecodingError(f"the reply decodes to more than {RATIO_MAX} times its size")
