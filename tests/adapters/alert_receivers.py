"""Receivers on loopback: an HTTP server that keeps what is posted, and a small mail server."""

import datetime
import ipaddress
import queue
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

WAIT_S = 10.0


@dataclass
class Posted:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpSink:
    """What to answer, and what came."""

    port: int = 0
    status: int = 200
    reply: bytes = b"{}"
    reply_headers: dict[str, str] = field(default_factory=dict)
    posted: "queue.Queue[Posted]" = field(default_factory=queue.Queue)
    connections: int = 0

    def url(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def take(self) -> Posted:
        return self.posted.get(timeout=WAIT_S)


def _handler(sink: HttpSink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            sink.connections += 1
            super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.posted.put(Posted(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(sink.status)
            for name, value in {"content-length": str(len(sink.reply)), **sink.reply_headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sink.reply)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    return Handler


@contextmanager
def http_sink(tls: ssl.SSLContext | None = None) -> Iterator[HttpSink]:
    """An HTTP server on loopback, with TLS if a context is given."""
    sink = HttpSink()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sink))
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # a refused handshake
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sink.port = server.server_address[1]
    with _running(server):
        yield sink


@dataclass
class SmtpSink:
    """What the mail server knows and what it was told."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    refused: frozenset[str] = frozenset()
    mails: "queue.Queue[tuple[str, list[str], bytes]]" = field(default_factory=queue.Queue)
    commands: list[str] = field(default_factory=list)


class _SmtpHandler(socketserver.StreamRequestHandler):
    sink: SmtpSink

    def handle(self) -> None:
        self.say("220 sink")
        sender, recipients = "", list[str]()
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.sink.commands.append(command)
            verb = command.upper()
            if verb.startswith("EHLO"):
                self.say("250-sink\r\n250-AUTH PLAIN" + ("\r\n250 STARTTLS" if self.sink.tls else "\r\n250 8BITMIME"))
            elif verb == "STARTTLS" and self.sink.tls is not None:
                self.say("220 go")
                self.connection = self.sink.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
            elif verb.startswith("AUTH PLAIN"):
                self.say("235 fine")
            elif verb.startswith("MAIL FROM:"):
                sender = command[10:].split()[0]
                self.say("250 fine")
            elif verb.startswith("RCPT TO:"):
                recipient = command[8:].strip("<> ")
                if recipient in self.sink.refused:
                    self.say("550 nobody here by that name")
                else:
                    recipients.append(recipient)
                    self.say("250 fine")
            elif verb == "DATA":
                self.say("354 go on")
                self.sink.mails.put((sender, recipients, self.read_mail()))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # after STARTTLS it is not the socket that the server closes

    def read_mail(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()


@contextmanager
def smtp_sink(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, refused: frozenset[str] = frozenset()
) -> Iterator[SmtpSink]:
    """A mail server on loopback: in clear, with STARTTLS, or with TLS from the start."""
    sink = SmtpSink(tls=starttls, refused=refused)
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("Handler", (_SmtpHandler,), {"sink": sink}))
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sink.port = server.server_address[1]
    with _running(server):
        yield sink


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(WAIT_S)


def tls_pair(directory: Path, host: str = "sink.test") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server, client): a fresh certificate for a name, and a client that trusts only it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


def to_loopback(host: str, port: int) -> list[str]:
    """A lookup in which every name is this machine."""
    return ["127.0.0.1"]
