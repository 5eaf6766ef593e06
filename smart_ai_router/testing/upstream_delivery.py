"""How the test upstream puts a reply on the wire: framed properly, or in one of the many wrong ways.

A delivery yields steps: bytes to write, a float to wait (seconds; 0 means after everything else that is ready), and
at last an `End`. Writing waits by itself while the other side does not read.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import count

from smart_ai_router.testing.upstream_call import Call
from smart_ai_router.testing.upstream_content import CREATED, Content, dumped, event

FLUSH_S = 0.02  # long enough for what was written to be read before the connection is torn down
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required"} | {
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class End(Enum):
    """What becomes of the connection after a reply."""

    KEEP = auto()
    CLOSE = auto()  # FIN
    RESET = auto()  # RST
    STALL = auto()  # nothing, for ever
    CLOSE_ON_NEXT = auto()  # keep, and close without an answer when the next request has come


Step = bytes | float | End
Delivery = Callable[[Call, Content], Iterator[Step]]


def head(content: Content, *framing: tuple[str, str], version: str = "1.1") -> bytes:
    """A reply's head with the framing headers given."""
    lines = [f"HTTP/{version} {content.status} {REASONS.get(content.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in (("content-type", content.content_type), *content.headers)]
    lines += [f"{name}: {value}" for name, value in framing]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def with_length(content: Content, length: int | None = None) -> bytes:
    """A head with a Content-Length: the right one unless said otherwise."""
    return head(content, ("content-length", str(len(content.whole) if length is None else length)))


def chunked(content: Content) -> bytes:
    return head(content, ("transfer-encoding", "chunked"))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def ordinary(call: Call, content: Content) -> Iterator[Step]:
    """As it should be. Option `chunk_ms`: the pause between two events."""
    if content.events is None:
        yield with_length(content) + content.body
    else:
        yield chunked(content)
        pause = call.seconds("chunk_ms", 0)
        for number, each in enumerate(content.events):
            if pause and number:
                yield pause
            yield chunk(each)
        yield LAST_CHUNK
    yield End.KEEP


# --- nothing, or not all of it -------------------------------------------------------------------------------------


def blackhole(_call: Call, _content: Content) -> Iterator[Step]:
    yield End.STALL


def reset_before_head(_call: Call, _content: Content) -> Iterator[Step]:
    yield End.RESET


def close_before_head(_call: Call, _content: Content) -> Iterator[Step]:
    yield End.CLOSE


def cut(after: str, end: End) -> Delivery:
    """Stop after the `head` or in the `body` (at option `at`, in percent of it), then do `end`."""

    def deliver(call: Call, content: Content) -> Iterator[Step]:
        yield chunked(content) if content.events is not None else with_length(content)
        if after == "body":
            parts = [chunk(each) for each in content.events or ()] or [content.body]
            whole = b"".join(parts)
            yield whole[: len(whole) * call.number("at", 50) // 100]
        yield FLUSH_S
        yield end

    return deliver


def slow_head(call: Call, content: Content) -> Iterator[Step]:
    """The head byte by byte, one every `ms`."""
    for byte in with_length(content):
        yield bytes((byte,))
        yield call.seconds("ms", 1000)
    yield content.whole
    yield End.KEEP


def slow_body(call: Call, content: Content) -> Iterator[Step]:
    """The body byte by byte, one every `ms`."""
    yield with_length(content)
    for byte in content.whole:
        yield call.seconds("ms", 1000)
        yield bytes((byte,))
    yield End.KEEP


def cut_before_done(call: Call, content: Content) -> Iterator[Step]:
    """All events but the last two (the finish or the usage, and `[DONE]`), then the connection ends."""
    if content.events is None:
        yield from cut("body", End.CLOSE)(call, content)
        return
    yield chunked(content)
    yield b"".join(chunk(each) for each in content.events[:-2])
    yield FLUSH_S
    yield End.CLOSE


# --- framing -------------------------------------------------------------------------------------------------------


def length_too_long(_call: Call, content: Content) -> Iterator[Step]:
    yield with_length(content, len(content.whole) + 100) + content.whole
    yield FLUSH_S
    yield End.CLOSE


def length_too_short(_call: Call, content: Content) -> Iterator[Step]:
    yield with_length(content, len(content.whole) - 10) + content.whole
    yield End.KEEP


def framed_as(*framing: tuple[str, str]) -> Delivery:
    """These framing headers over a plain body; `LENGTH` stands for the right length."""

    def deliver(_call: Call, content: Content) -> Iterator[Step]:
        length = str(len(content.whole))
        yield head(content, *((name, value.replace("LENGTH", length)) for name, value in framing)) + content.whole
        yield End.KEEP

    return deliver


def raw(data: bytes, end: End = End.KEEP) -> Delivery:
    """These bytes instead of a reply."""

    def deliver(_call: Call, _content: Content) -> Iterator[Step]:
        yield data
        yield FLUSH_S
        yield end

    return deliver


def bad_chunk(_call: Call, content: Content) -> Iterator[Step]:
    yield chunked(content) + chunk(content.whole[:10]) + b"-5\r\nhello\r\n" + LAST_CHUNK
    yield End.KEEP


def chunk_extras(_call: Call, content: Content) -> Iterator[Step]:
    """Chunk extensions and trailers: odd, and allowed."""
    yield head(content, ("transfer-encoding", "chunked"), ("trailer", "x-checksum"))
    for each in content.events or (content.body,):
        yield b'%x;part="one";note\r\n%b\r\n' % (len(each), each)
    yield b"0;last\r\nx-checksum: 1234\r\n\r\n"
    yield End.KEEP


def until_close(version: str) -> Delivery:
    """Neither length nor chunks: the connection's end is the reply's end."""

    def deliver(_call: Call, content: Content) -> Iterator[Step]:
        yield head(content, version=version)
        yield from content.events or (content.body,)
        yield End.CLOSE

    return deliver


def announce_close(_call: Call, content: Content) -> Iterator[Step]:
    yield head(content, ("connection", "close"), ("content-length", str(len(content.whole)))) + content.whole
    yield End.CLOSE


def ended_as(end: End, trailing: bytes = b"") -> Delivery:
    """The ordinary reply, then these bytes, then `end`."""

    def deliver(call: Call, content: Content) -> Iterator[Step]:
        for step in ordinary(call, content):
            yield (trailing or 0.0) if isinstance(step, End) else step
        yield end

    return deliver


def interim(*statuses: str) -> Delivery:
    """Interim answers before the real one."""

    def deliver(call: Call, content: Content) -> Iterator[Step]:
        for status in statuses:
            yield f"HTTP/1.1 {status}\r\nlink: </a>; rel=preload\r\n\r\n".encode()
            yield 0.0
        yield from ordinary(call, content)

    return deliver


def many_headers(call: Call, content: Content) -> Iterator[Step]:
    yield head(content, *((f"x-filler-{number}", "x") for number in range(call.number("count", 1000))))
    yield End.STALL


def huge_header(call: Call, content: Content) -> Iterator[Step]:
    yield head(content, ("x-filler", "x" * call.number("bytes", 1_000_000)))
    yield End.STALL


# --- content encodings ---------------------------------------------------------------------------------------------


def compressed(coding: str) -> Delivery:
    """The body compressed, though nobody asked; a stream is flushed after each event."""

    def deliver(_call: Call, content: Content) -> Iterator[Step]:
        if content.events is None:
            body = gzip.compress(content.body, mtime=0) if coding == "gzip" else zlib.compress(content.body)
            yield head(content, ("content-encoding", coding), ("content-length", str(len(body)))) + body
        else:
            deflate = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
            yield head(content, ("content-encoding", coding), ("transfer-encoding", "chunked"))
            for each in content.events:
                yield chunk(deflate.compress(each) + deflate.flush(zlib.Z_SYNC_FLUSH))
            yield chunk(deflate.flush()) + LAST_CHUNK
        yield End.KEEP

    return deliver


def labelled(coding: str) -> Delivery:
    """The plain body under the name of an encoding."""

    def deliver(_call: Call, content: Content) -> Iterator[Step]:
        framing = (("content-encoding", coding), ("content-length", str(len(content.whole))))
        yield head(content, *framing) + content.whole
        yield End.KEEP

    return deliver


def gzip_bomb(call: Call, content: Content) -> Iterator[Step]:
    """A gzip body of zeros, about a thousandth of the `mb` it becomes."""
    deflate = zlib.compressobj(9, wbits=31)
    block = bytes(1024 * 1024)
    yield head(content, ("content-encoding", "gzip"), ("transfer-encoding", "chunked"))
    for _ in range(call.number("mb", 1024)):
        piece = deflate.compress(block)
        if piece:
            yield chunk(piece)
            yield 0.0
    yield chunk(deflate.flush()) + LAST_CHUNK
    yield End.KEEP


# --- slices --------------------------------------------------------------------------------------------------------


def sliced(default_size: int) -> Delivery:
    """Chunks of `size` bytes, wherever that cuts: inside events, inside characters."""

    def deliver(call: Call, content: Content) -> Iterator[Step]:
        size = call.number("size", default_size)
        whole = content.whole
        yield chunked(content)
        for start in range(0, len(whole), size):
            yield chunk(whole[start : start + size])
            yield 0.0
        yield LAST_CHUNK
        yield End.KEEP

    return deliver


def infinite(call: Call, content: Content) -> Iterator[Step]:
    """Events without end, every `chunk_ms` or as fast as they are taken."""
    yield chunked(content)
    pause = call.seconds("chunk_ms", 0)
    for number in count():
        delta = {"choices": [{"index": 0, "delta": {"content": f"word {number} "}, "finish_reason": None}]}
        base = {"id": call.reply_id, "object": "chat.completion.chunk", "created": CREATED}
        yield chunk(event(base | {"model": call.reply_model} | delta))
        if pause or number % 64 == 63:
            yield pause  # at least now and then, so that a fast stream leaves the loop to others


def echo(call: Call, _content: Content) -> Iterator[Step]:
    """Everything that we were told, back in headers and body, with a cookie."""
    authorization = call.request.headers.get("authorization", "")
    told = {"error": {"message": f"you sent {authorization}", "headers": dict(call.request.headers)}}
    body = dumped(told)
    shown = Content(body=body, headers=(("x-echo-authorization", authorization), ("set-cookie", "session=upstream")))
    yield with_length(shown) + body
    yield End.KEEP
