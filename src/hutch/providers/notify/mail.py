"""Mail by SMTP. The message's id is the ``Message-ID``: a mail program shows a second copy as the same mail."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from hutch.model.action import Outcome, Result
from hutch.model.message import Message
from hutch.providers.notify.post import why
from hutch.providers.notify.settings import addresses_of, seconds, server_of

USUAL = {"tls": 465, "starttls": 25, "none": 25}


@dataclass(frozen=True, slots=True)
class Mail:
    """One SMTP server and those whom it tells."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: str
    to: tuple[str, ...]
    ca: str
    timeout: float

    async def notify(self, message: Message) -> Outcome:
        """Send it to all; refused by each of them, or by the server, is an error."""
        began = time.monotonic()
        outcome = await asyncio.to_thread(self._tried, message)
        return Outcome(
            outcome.result,
            outcome.summary,
            seconds=round(time.monotonic() - began, 3),
            recoverable=outcome.recoverable,
        )

    async def look(self) -> Outcome:
        """Whether the server answers and takes the login; nothing is sent."""
        return await asyncio.to_thread(self._tried, None)

    def _tried(self, message: Message | None) -> Outcome:
        place = f"{self.host}:{self.port}"
        try:
            with self._connected() as server:
                if message is None:
                    server.noop()
                    return Outcome(Result.DONE, f"{place} answers" + (" and takes the login" if self.user else ""))
                refused = server.send_message(letter(message, self.sender, (message.to,) if message.to else self.to))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return _failed(f"{place} takes none of the addresses ({codes[0]})", all(400 <= c < 500 for c in codes))
        except smtplib.SMTPResponseException as error:
            return _failed(f"{place} answered {error.smtp_code}", 400 <= error.smtp_code < 500 or error.smtp_code < 0)
        except smtplib.SMTPNotSupportedError:
            return _failed(f"{place} does not offer {self.security} or a login", False)
        except ssl.SSLCertVerificationError as error:
            return _failed(f"{place} shows a certificate that is not trusted: {error.verify_message}", False)
        except (smtplib.SMTPException, OSError) as error:
            return _failed(f"{place} cannot be reached: {why(error)}", True)
        lost = f"; refused for {len(refused)} of {len(self.to)} addresses" if refused else ""
        return Outcome(Result.DONE, f"{place} took it{lost}")

    def _connected(self) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=self.ca or None)
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=trust)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.security == "starttls":
                server.starttls(context=trust)
            if self.user:
                server.login(self.user, self.password)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server


def letter(message: Message, sender: str, to: tuple[str, ...], now: datetime | None = None) -> EmailMessage:
    """The mail of a message: text only."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{message.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Subject"] = " ".join(message.title.split())[:200]
    mail["Date"] = format_datetime(now or datetime.now(UTC))
    mail["Auto-Submitted"], mail["X-Hutch-Message"] = "auto-generated", message.id
    if message.leave:
        mail["List-Unsubscribe"] = f"<{message.leave}>"
    if message.leave.startswith("https://"):  # RFC 8058, one click in the mail program: over nothing but https
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if message.incident:
        mail["X-Hutch-Incident"] = message.incident
    mail.set_content(message.body + "\n")
    return mail


def _failed(said: str, recoverable: bool) -> Outcome:
    return Outcome(Result.FAILED, said, recoverable=recoverable)


def opened(settings: Mapping[str, object]) -> Mail:
    """The channel. Raises ``ValueError``."""
    host, port = server_of(str(settings["server"]))
    security = str(settings["security"])
    return Mail(
        host,
        port or USUAL[security],
        security,
        str(settings["user"]),
        str(settings["password"] or ""),
        str(settings["sender"]),
        tuple(addresses_of(settings)),
        str(settings["ca"] or ""),
        seconds(settings),
    )
