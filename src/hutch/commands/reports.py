"""What users report: by a person on call, by form, or by mail. A report is an alert as any other."""

from __future__ import annotations

import email
import hashlib
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser

from hutch.commands.alerts import receive
from hutch.commands.context import CommandError, Context
from hutch.commands.intake import Receipt
from hutch.model.alert import Alert
from hutch.model.severity import Severity

RULE = "User report"
LONGEST_MAIL = 1024 * 1024
"""Bytes of a message that are read."""


async def report(
    context: Context, text: str, *, service: str = "", who: str = "", given: str = "", source: str = "report"
) -> Receipt:
    """Take in what somebody noticed; durable when this returns. ``given`` tells the same report told again.

    Raises :class:`CommandError` for an empty one, or a service that is not configured.
    """
    said = " ".join(text.split())
    if not said:
        raise CommandError("the report says nothing: write what you see, and since when", 2)
    name = context.service(service).name if service else ""
    now = context.clock.now()
    labels = {"reporter": who} if who else {}
    alert = Alert(
        RULE, name, Severity.SEV3, now, said, labels=labels, source=source,
        given=given or hashlib.sha256(f"{name}\n{said}\n{now.isoformat()}".encode(errors="replace")).hexdigest(),
    )  # fmt: skip
    (receipt,) = await receive(context, [alert])
    return receipt


async def report_mail(context: Context, message: bytes, service: str = "") -> Receipt:
    """A message as a mail server hands it over: its subject and its text; told again, it is the same one."""
    if len(message) > LONGEST_MAIL:
        raise CommandError(f"the message is longer than {LONGEST_MAIL // 1024} kB", 2)
    found = email.message_from_bytes(message, policy=policy.default)
    assert isinstance(found, EmailMessage)
    subject, who, ident = (_header(found, name) for name in ("subject", "from", "message-id"))
    text = f"{subject}: {_text(found)}" if subject else _text(found)
    if not (subject or who or ident):
        raise CommandError("this is no mail message: it has neither subject, sender nor Message-ID", 2)
    return await report(context, text, service=service, who=who, given=ident and f"mail {ident}", source="mail")


def _header(message: EmailMessage, name: str) -> str:
    """A header's text; one that is malformed is as good as none."""
    try:
        return " ".join(str(message.get(name, "")).split())[:500]
    except (ValueError, IndexError, TypeError):
        return ""


def _text(message: EmailMessage) -> str:
    """The words of a message, plain where it has them so."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except (LookupError, ValueError, KeyError):
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""
    return _words(content) if part.get_content_subtype() == "html" else content


class _Words(HTMLParser):
    """The text of HTML, without styles and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  (its parent's signature)
        self._hidden += tag in ("style", "script", "head")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script", "head")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.said.append(data)


def _words(html: str) -> str:
    reader = _Words()
    reader.feed(html)
    return " ".join(reader.said)
