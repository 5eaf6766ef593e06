"""Undoing gzip and deflate: the same bytes however they are cut, and bombs stopped."""

import gzip
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.adapters.upstream_decoding import PIECE_BYTES, RATIO_FLOOR_BYTES, Decoder, DecodingError

TEXT = b'{"choices":[{"delta":{"content":"every call is on the books"}}]}\n' * 50


def raw_deflate(data: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(data) + packing.flush()


ENCODED = [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]


def decoded(encoding: str, *pieces: bytes) -> bytes:
    decoder = Decoder(encoding)
    shown = b"".join(out for piece in pieces for out in decoder.decode(piece))
    decoder.finish()
    return shown


@pytest.mark.parametrize(("encoding", "encode"), ENCODED)
@given(size=st.integers(1, 400), data=st.binary(max_size=2000))
def test_any_cut_of_the_encoded_bytes_decodes_to_the_same(encoding, encode, size: int, data: bytes) -> None:  # type: ignore[no-untyped-def]  # the functions of the table differ
    packed = encode(data)
    assert decoded(encoding, *(packed[at : at + size] for at in range(0, len(packed), size))) == data


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_pieces_are_bounded_and_none_is_lost(length: int) -> None:
    data = os.urandom(length // 2) + bytes(length - length // 2)
    decoder = Decoder("gzip")
    pieces = list(decoder.decode(gzip.compress(data, mtime=0)))
    decoder.finish()
    assert b"".join(pieces) == data
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "identity, gzip", ""])
def test_other_encodings_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(DecodingError, match="was not asked for"):
        Decoder(encoding)


@pytest.mark.parametrize(("encoding", "encode"), ENCODED)
def test_a_body_that_is_cut_is_an_error_at_every_byte(encoding, encode) -> None:  # type: ignore[no-untyped-def]  # the functions of the table differ
    packed = encode(TEXT)
    for length in range(1, len(packed)):
        with pytest.raises(DecodingError):
            decoded(encoding, packed[:length])


@pytest.mark.parametrize("behind", [b"x", gzip.compress(b"again", mtime=0)])
def test_bytes_behind_the_end_are_an_error(behind: bytes) -> None:
    packed = gzip.compress(TEXT, mtime=0)
    with pytest.raises(DecodingError, match="after its end"):
        decoded("gzip", packed + behind)
    with pytest.raises(DecodingError, match="after its end"):
        decoded("gzip", packed, behind)


@pytest.mark.parametrize("data", [b"hello", b"\x1f\x8b\x08\x00broken-header", b"\x00" * 20])
def test_bytes_that_are_not_what_they_say_are_an_error(data: bytes) -> None:
    with pytest.raises(DecodingError):
        decoded("gzip", data)


def test_a_bomb_stops_soon_after_the_floor() -> None:
    packing = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packing.compress(bytes(1024 * 1024)) for _ in range(64)) + packing.flush()
    decoder = Decoder("gzip")
    sizes: list[int] = []
    with pytest.raises(DecodingError, match="times its size"):
        sizes.extend(len(piece) for piece in decoder.decode(bomb))
    assert sum(sizes) <= RATIO_FLOOR_BYTES + PIECE_BYTES


def test_an_honest_large_body_is_not_a_bomb() -> None:
    data = b'{"token":"the","logprob":-0.01}' * 100_000
    assert decoded("gzip", gzip.compress(data, 1, mtime=0)) == data
