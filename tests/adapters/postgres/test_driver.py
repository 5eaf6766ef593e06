"""One connection: what goes over it comes back as it was, and what fails is named in the store's words."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from smart_ai_router.adapters.postgres import connections
from smart_ai_router.adapters.postgres.connections import ReadingConnections
from smart_ai_router.adapters.postgres.driver import Connection, RaceLost, Streaming, escaped, plain, shown
from smart_ai_router.core.store import StoreFailure, StoreUnavailable
from tests.adapters.certificates import Certificate, make_certificate
from tests.postgres_server import PostgresServer


@pytest.fixture
def connection(postgres_server: PostgresServer) -> Iterator[Connection]:
    with closing(Connection(postgres_server.url, {"application_name": "tests"})) as found:
        yield found


@pytest.mark.parametrize(
    "text", ["", "plain", "a\x00b", "\x10", "\x100", "\x101\x00\x10", "模型 \u2028", "'; DROP TABLE usage; --", "\\x00"]
)
def test_any_text_comes_back_as_it_was(connection: Connection, text: str) -> None:
    assert plain(escaped(text)) == text
    assert connection.execute("SELECT ?::text", (text,)).get == text
    assert connection.execute("SELECT unnest(?::text[])", ([escaped(text)],)).get == text


@pytest.mark.parametrize("number", [0, -1, 2**63, -(2**63) - 1, 10**37])
def test_whole_numbers_beyond_64_bits_come_back_whole(connection: Connection, number: int) -> None:
    answer = connection.execute("SELECT ?::numeric + 0", (number,)).get

    assert (answer, type(answer)) == (number, int)


def test_a_sum_that_passes_64_bits_is_a_whole_number(connection: Connection) -> None:
    answer = connection.execute("SELECT sum(x) FROM unnest(?::bigint[]) AS t (x)", ([2**63 - 1] * 3,)).get

    assert (answer, type(answer)) == (3 * (2**63 - 1), int)


def test_a_fraction_never_becomes_a_whole_number_quietly(connection: Connection) -> None:
    with pytest.raises(ValueError, match=r"0\.5"):
        connection.execute("SELECT 0.5::numeric")


def test_a_value_that_does_not_fit_its_column_is_a_mistake_of_ours(connection: Connection) -> None:
    with pytest.raises(ValueError, match="out of int64 range"):
        connection.execute("SELECT ?::bigint", (2**63,))
    assert connection.execute("SELECT 1").get == 1


def test_a_duplicate_is_a_race_that_was_lost(connection: Connection) -> None:
    connection.script("CREATE TEMPORARY TABLE t (a INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (?)", (1,))

    with pytest.raises(RaceLost):
        connection.execute("INSERT INTO t VALUES (?)", (1,))
    connection.executemany("INSERT OR IGNORE INTO t VALUES (?)", [(1,), (2,)])
    assert [each for (each,) in connection.execute("SELECT a FROM t ORDER BY a")] == [1, 2]


def test_a_large_answer_is_read_piece_by_piece(connection: Connection) -> None:
    connection.script("BEGIN")
    rows = connection.stream("SELECT generate_series(1, ?::integer)", (5000,), together=700)

    assert next(rows)[0] == 1
    assert connection.execute("SELECT 'between'").get == "between"
    assert [number for (number,) in rows] == list(range(2, 5001))
    answer = Streaming(connection).execute("SELECT * FROM generate_series(1, 3) AS t (a) WHERE a > ?", (1,))
    assert (answer.get, answer.fetchone()[0], answer.fetchone()) == (2, 3, None)


def test_what_is_wrong_with_a_statement_is_told_without_the_password(postgres_server: PostgresServer) -> None:
    url = postgres_server.url.replace("postgres@", "postgres:secret@")
    with closing(Connection(url, {})) as connection, pytest.raises(StoreUnavailable) as failure:
        connection.execute("SELECT nothing FROM nowhere")

    assert "nowhere" in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://u:p@db.example.com/router", "PostgreSQL at db.example.com, database router"),
        ("postgresql://u:p@db:6432/router?sslmode=require", "PostgreSQL at db:6432, database router"),
        ("postgresql://u:p@db1:5432,db2:5432/router", "PostgreSQL at db1:5432,db2:5432, database router"),
        ("postgresql:///router?host=/run/postgresql", "PostgreSQL at /run/postgresql, database router"),
    ],
)  # fmt: skip
def test_a_database_is_named_without_its_password(url: str, wanted: str) -> None:
    assert shown(url) == wanted


def test_more_questions_than_connections_wait_and_then_say_so(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READER_WAIT_S", 0.05)
    pool = ReadingConnections(lambda: Connection(postgres_server.url, {}), lambda: None)
    all_lent, done = threading.Barrier(connections.READERS_MAX + 1), threading.Event()

    def ask() -> None:
        with pool.lent() as connection:
            connection.execute("SELECT 1")
            all_lent.wait()
            done.wait()

    threads = [threading.Thread(target=ask) for _ in range(connections.READERS_MAX)]
    for thread in threads:
        thread.start()
    all_lent.wait()
    with pytest.raises(StoreUnavailable, match="8 questions to PostgreSQL are under way"), pool.lent():
        pass
    done.set()
    for thread in threads:
        thread.join()
    with pool.lent() as connection:
        assert connection.execute("SELECT 1").get == 1
    pool.close()


# --- TLS ---


class TlsFront:
    """Takes TLS off a line to a server that has none, and counts who asked for it."""

    def __init__(self, port: int, certificate: Certificate) -> None:
        self._server = ("127.0.0.1", port)
        self._context = certificate.context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.encrypted = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(ssl.SSLError), client:
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        """One connection to its end. The first eight bytes ask for TLS."""
        assert client.recv(8, socket.MSG_WAITALL) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
        client.sendall(b"S")
        with self._context.wrap_socket(client, server_side=True) as line:
            self.encrypted += 1
            with socket.create_connection(self._server) as server:
                answers = threading.Thread(target=_forward, args=(server, line))
                answers.start()
                _forward(line, server)
                answers.join()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_the_address_says_whether_the_line_is_encrypted_and_who_may_answer(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    ours, theirs = make_certificate(tmp_path / "ours"), make_certificate(tmp_path / "theirs")
    front = TlsFront(postgres_server.port, ours)
    url = f"postgresql://postgres@localhost:{front.port}/postgres"

    with closing(front):
        for mode in ("sslmode=require", f"sslmode=verify-full&sslrootcert={ours.path}"):
            with closing(Connection(f"{url}?{mode}", {})) as connection:
                assert connection.execute("SELECT 1").get == 1
        assert front.encrypted == 2
        with pytest.raises(StoreFailure, match="certificate verify failed"):
            Connection(f"{url}?sslmode=verify-full&sslrootcert={theirs.path}", {})
        assert front.encrypted == 2
