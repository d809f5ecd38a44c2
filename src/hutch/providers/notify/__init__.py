"""Ways to send messages: whatever apprise speaks, plain mail, a webhook of one's own, PagerDuty.

Importing this package loads what the kinds take alone; what sends is imported when a channel is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from hutch.ports import Notifier, NotifierKind
from hutch.providers.notify import settings


def opening(module: str) -> Callable[[Mapping[str, object]], Notifier]:
    """What opens a channel of the kind in ``module``."""

    def opened(given: Mapping[str, object]) -> Notifier:
        notifier: Notifier = import_module(f"hutch.providers.notify.{module}").opened(given)
        return notifier

    return opened


apprise = NotifierKind(
    name="apprise",
    summary="Chat, push, SMS and calls: one of the URLs that apprise knows, as `slack://…` or `ntfy://…`",
    settings=settings.APPRISE,
    check=settings.check_apprise,
    open=opening("service"),
)

mail = NotifierKind(
    name="mail",
    summary="Mail by an SMTP server",
    settings=settings.MAIL,
    check=settings.check_mail,
    open=opening("mail"),
)

webhook = NotifierKind(
    name="webhook",
    summary="A JSON object by HTTP POST to an address of one's own, signed where a secret is given",
    settings=settings.WEBHOOK,
    check=settings.check_url,
    open=opening("webhook"),
)

pagerduty = NotifierKind(
    name="pagerduty",
    summary="PagerDuty, by its Events API v2: it pages, and hears of the acknowledgement and the resolution",
    settings=settings.PAGERDUTY,
    check=settings.check_url,
    open=opening("pagerduty"),
    follows=True,
)
