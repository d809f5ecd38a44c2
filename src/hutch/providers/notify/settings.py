"""What each kind of channel takes, and what is wrong with it before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import urlsplit

from hutch.ports import Setting
from hutch.providers.notify.reach import networks_of

TIMEOUT = Setting("timeout", "duration", "how long one try may take", default=timedelta(seconds=15))

NETWORKS = Setting(
    "networks",
    "list",
    "networks of your own, as `10.0.0.0/8`, that the address may lie in; without them it is one of the public internet",
    default=(),
)

APPRISE: tuple[Setting, ...] = (
    Setting(
        "url", "secret", "the service's URL in apprise's form; it holds the token, so it is a secret", required=True
    ),
    TIMEOUT,
)

MAIL: tuple[Setting, ...] = (
    Setting("server", "text", "the SMTP server, as `mail.example:587`; without a port 25, with `tls` 465",
            required=True),
    Setting("security", "text", "`starttls`, `tls`, or `none` for a server on this machine", default="starttls"),
    Setting("user", "text", "the login, where the server wants one", default=""),
    Setting("password", "secret", "its password"),
    Setting("sender", "text", "the address that it comes from", required=True),
    Setting("to", "list", "the addresses that it goes to", required=True),
    Setting("ca", "path", "a file of certificates to trust, where the server has one of its own"),
    TIMEOUT,
)  # fmt: skip

WEBHOOK: tuple[Setting, ...] = (
    Setting("url", "secret", "where the message is posted", required=True),
    Setting("secret", "secret", "signs the body: `X-Hutch-Signature: sha256=…`, HMAC-SHA256 in hexadecimal"),
    NETWORKS,
    TIMEOUT,
)

PAGERDUTY: tuple[Setting, ...] = (
    Setting("routing_key", "secret", "the integration key of the PagerDuty service", required=True),
    Setting(
        "url", "secret", "its Events API, or what speaks it", default="plain:https://events.pagerduty.com/v2/enqueue"
    ),
    NETWORKS,
    TIMEOUT,
)

SECURITY = ("starttls", "tls", "none")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def check_apprise(settings: Mapping[str, object]) -> None:
    """The URL is a secret: what is wrong with it is seen when it is opened."""
    _timeout(settings)


def check_mail(settings: Mapping[str, object]) -> None:
    """Raise ``ValueError``: addresses, server, and that no password goes over the network in the clear."""
    host, _ = server_of(str(settings["server"]))
    security = str(settings["security"])
    if security not in SECURITY:
        raise ValueError(f"security: expected one of {', '.join(SECURITY)}, found {security!r}")
    if security == "none" and settings["password"] and not _loopback(host):
        raise ValueError("security: a password is not sent in the clear: use starttls or tls")
    if settings["user"] and not settings["password"]:
        raise ValueError("password: is missing: the password of user")
    for key, addresses in (("sender", [settings["sender"]]), ("to", addresses_of(settings))):
        if not addresses:
            raise ValueError(f"{key}: expected at least one address")
        for address in addresses:
            _check_address(key, str(address))
    _timeout(settings)


def addresses_of(settings: Mapping[str, object]) -> list[str]:
    """Whom a mail goes to."""
    found = settings["to"]
    return [str(a) for a in found] if isinstance(found, list | tuple) else []


def server_of(text: str) -> tuple[str, int]:
    """Host and port (0: the usual one). Raises ``ValueError``."""
    host, colon, port = text.rpartition(":") if re.search(r":\d+$", text) else (text, "", "")
    if not _HOST.fullmatch(host) or (colon and not 0 < int(port) < 65536):
        raise ValueError(f"server: expected HOST or HOST:PORT, found {text!r}")
    return host.strip("[]"), int(port or 0)


def check_url(settings: Mapping[str, object]) -> None:
    """What is written in the file as it is must be HTTP; a reference is seen when it is opened."""
    given = str(settings["url"])
    if given.startswith("plain:"):
        http_url(given.removeprefix("plain:"))
    networks_of(settings["networks"])
    _timeout(settings)


def http_url(url: str) -> str:
    """The URL. Raises ``ValueError`` that does not show it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("url: expected an address with http or https")
    return url


def seconds(settings: Mapping[str, object]) -> float:
    """The time limit of one try."""
    timeout = settings["timeout"]
    assert isinstance(timeout, timedelta)
    return timeout.total_seconds()


def _timeout(settings: Mapping[str, object]) -> None:
    if not 0 < seconds(settings) <= 120:
        raise ValueError("timeout: expected a time above zero and up to 2m")


def _check_address(key: str, text: str) -> None:
    name, address = parseaddr(text)
    plain = address.isascii() and address.isprintable() and " " not in address
    if not plain or not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or not name.isprintable():
        raise ValueError(f"{key}: expected a mail address such as oncall@example.com, found {text!r}")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
