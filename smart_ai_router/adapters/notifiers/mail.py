"""E-mail over SMTP: STARTTLS, TLS from the start, or in clear to this machine only."""

import smtplib
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, Literal, TypeAlias

from smart_ai_router.adapters.notifiers.addresses import AddressRefused, Lookup, addresses_of, is_loopback, look_up
from smart_ai_router.adapters.notifiers.posting import DeliveryFailed
from smart_ai_router.adapters.notifiers.texts import text_of, title_of
from smart_ai_router.domain.alerts import Alert

Security: TypeAlias = Literal["starttls", "ssl", "plain"]

STEP_TIMEOUT_S: Final = 10.0  # for each answer of the mail server
_PORTS: Final = {"starttls": 587, "ssl": 465, "plain": 25}


class MailNotifier:
    """Sends each alert as one short mail."""

    per_minute_max = 20  # a person reads them

    def __init__(
        self,
        host: str,
        sender: str,
        recipients: Sequence[str],
        *,
        port: int | None = None,
        security: Security = "starttls",
        username: str | None = None,
        password: str | None = None,
        name: str = "smtp",
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = look_up,
    ) -> None:
        """Raises ValueError without recipients. `port` is 587, 465 or 25 by the kind of security unless given."""
        if not recipients:
            raise ValueError("a mail needs at least one recipient")
        self.name = name
        self._host = host
        self._port = port or _PORTS[security]
        self._security = security
        self._sender = sender
        self._recipients = tuple(recipients)
        self._login = (username, password or "") if username else None
        self._allow_private = allow_private
        self._tls = tls
        self._lookup = lookup

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. Some recipients refused means not delivered; the others may see it again."""
        with self._connected() as server:
            if self._security == "starttls":
                server.starttls(context=self._tls or ssl.create_default_context())
            if self._login is not None:
                server.login(*self._login)
            refused = server.send_message(self._mail(alert))
        if refused:
            raise DeliveryFailed(f"the mail server refused {', '.join(sorted(refused))}")

    def _connected(self) -> smtplib.SMTP:
        addresses = addresses_of(self._host, self._port, allow_private=self._allow_private, lookup=self._lookup)
        address = addresses[0]
        if self._security == "plain" and not is_loopback(address):
            raise AddressRefused(f"mail in clear goes to this machine only, not to {address}; use starttls or ssl")
        context = (self._tls or ssl.create_default_context()) if self._security == "ssl" else None
        return _SmtpToAddress(self._host, self._port, address, context)

    def _mail(self, alert: Alert) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = title_of(alert)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Date"] = format_datetime(datetime.fromtimestamp(alert.timestamp, UTC))
        mail["Message-ID"] = f"<{alert.delivery_id}@smart-ai-router>"  # a repeat is recognisable as one
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
        mail.set_content(text_of(alert))
        return mail


class _SmtpToAddress(smtplib.SMTP):
    """Connects to the address that was checked, and still expects the certificate of the name."""

    def __init__(self, host: str, port: int, address: str, tls_from_start: ssl.SSLContext | None) -> None:
        self._checked_address = address
        self._server_name = host
        self._tls_from_start = tls_from_start
        super().__init__(host, port, local_hostname=socket.gethostname(), timeout=STEP_TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's hook
        connection = socket.create_connection((self._checked_address, port), timeout)
        if self._tls_from_start is None:
            return connection
        return self._tls_from_start.wrap_socket(connection, server_hostname=self._server_name)
