"""What HTTP, TCP and DNS probes take, checked. Imports no client."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from hutch.ports import Setting

CERTIFICATE_DAYS = Setting("certificate_days", "int", "a certificate that ends within so many days is told; 0: none is",
                           default=14)  # fmt: skip
AUTHORITY = Setting("ca", "path", "PEM file of the authorities to trust instead of the system's", default="")

HTTP_TARGET = Setting(
    "target",
    "secret",
    "address, or a path on the host of the service's `http` block; a secret one by `{env: NAME}`",
)
HTTP = (
    Setting("method", "text", "GET, HEAD, OPTIONS or POST", default="GET"),
    Setting("headers", "map", "headers of the request"),
    Setting("secret_headers", "secrets", "headers whose values are secrets; sent to the target alone"),
    Setting("body", "text", "what is sent with the request", default=""),
    Setting("status", "list", "statuses of a good answer: `200`, `200-299` or `2xx`", default=("2xx",)),
    Setting("contains", "list", "texts that the answer must hold; `*` stands for anything", default=()),
    Setting("lacks", "list", "texts that it must not hold; `*` stands for anything", default=()),
    Setting("json", "map", "what a JSON answer must hold: `{status: ok, checks.0.up: true}`"),
    Setting("follow", "bool", "follow redirects, five at most", default=False),
    CERTIFICATE_DAYS,
    AUTHORITY,
)

TCP_TARGET = Setting("target", "text", "`HOST:PORT`", required=True)
TCP = (
    Setting("tls", "bool", "speak TLS on it", default=False),
    Setting("send", "text", "what is sent first; `\\n` in double quotes is a line break", default=""),
    Setting("expect", "text", "what the other side must say; `*` stands for anything", default=""),
    CERTIFICATE_DAYS,
    AUTHORITY,
)

DNS_TARGET = Setting("target", "text", "the name to ask for", required=True)
DNS = (
    Setting("type", "text", "type of the records: A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV or TXT", default="A"),
    Setting("answers", "list", "the expected answers, all of them, in any order; none: there must be one", default=()),
    Setting("server", "text", "name server to ask, `ADDRESS` or `ADDRESS:PORT`; none: the system's", default=""),
)

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")

GUARDED = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"})
"""Headers whose values are secrets whatever they hold."""

OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that frame the request: the probe writes them."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")

Range = tuple[int, int]


def check_http(target: str, settings: Mapping[str, object]) -> None:
    """Raises ``ValueError`` naming the key. A target that is a reference is looked at when it is resolved."""
    if target.startswith("plain:"):
        http_address(target.removeprefix("plain:"))
    if str(settings["method"]).upper() not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {settings['method']!r}")
    ranges(settings)
    _check_headers(mapping(settings, "headers"), mapping(settings, "secret_headers"))
    if settings["body"] and str(settings["method"]).upper() != "POST":
        raise ValueError("body: goes with method: POST")
    for path in mapping(settings, "json"):
        if not all(str(path).split(".")):
            raise ValueError(f"json: expected keys with dots between, as checks.0.up, found {path!r}")
    _check_days(settings)


def check_tcp(target: str, settings: Mapping[str, object]) -> None:
    """Raises ``ValueError`` naming the key."""
    endpoint(target)
    if settings["ca"] and not settings["tls"]:
        raise ValueError("ca: goes with tls: true")
    _check_days(settings)


def check_dns(target: str, settings: Mapping[str, object]) -> None:
    """Raises ``ValueError`` naming the key."""
    if not 0 < len(target) < 254 or not all(_LABEL.fullmatch(part) for part in target.rstrip(".").split(".")):
        raise ValueError(f"target: expected a name such as shop.example, found {target!r}")
    if str(settings["type"]).upper() not in TYPES:
        raise ValueError(f"type: expected one of {', '.join(TYPES)}, found {settings['type']!r}")
    if settings["server"]:
        server(str(settings["server"]))


def http_address(url: str) -> None:
    """Raises ``ValueError``, without quoting it: it may be a secret."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("target: expected an address such as https://shop.example/, or a path as /api/health")


def endpoint(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[ADDRESS]:PORT``. Raises ``ValueError``."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not bare or (":" in bare) != host.startswith("[") or not _is_port(port):
        raise ValueError(f"target: expected HOST:PORT, found {text!r}")
    return bare, int(port)


def server(text: str) -> tuple[str, int]:
    """A name server's address and port. Raises ``ValueError``."""
    for candidate, port in ((text, "53"), (text.rpartition(":")[0].strip("[]"), text.rpartition(":")[2])):
        try:
            address = str(ipaddress.ip_address(candidate))
        except ValueError:
            continue
        if _is_port(port):
            return address, int(port)
    raise ValueError(f"server: expected an address, with a port or without, found {text!r}")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def ranges(settings: Mapping[str, object]) -> tuple[Range, ...]:
    """The statuses of a good answer. Raises ``ValueError``."""
    return tuple(_range(text) for text in texts(settings, "status"))


def _range(text: str) -> Range:
    found = _STATUS.fullmatch(text.strip())
    if found and found[1]:
        return int(found[1]) * 100, int(found[1]) * 100 + 99
    if not found or int(found[3] or found[2]) < int(found[2]):
        raise ValueError(f"status: expected a status as 200, 200-299 or 2xx, found {text!r}")
    return int(found[2]), int(found[3] or found[2])


def texts(settings: Mapping[str, object], key: str) -> tuple[str, ...]:
    """A setting that is a list."""
    value = settings[key]
    assert isinstance(value, Sequence)
    return tuple(str(item) for item in value)


def mapping(settings: Mapping[str, object], key: str) -> Mapping[str, object]:
    """A setting that is a mapping, or left out."""
    value = settings[key] or {}
    assert isinstance(value, Mapping)
    return value


def _check_headers(plain: Mapping[str, object], secret: Mapping[str, object]) -> None:
    for name in (*plain, *secret):
        if not _TOKEN.fullmatch(name) or name.lower() in OURS:
            raise ValueError(f"headers: {name!r} is no header that can be set")
    for name, value in plain.items():
        if name.lower() in GUARDED:
            raise ValueError(f"headers: {name} holds a secret: write it under secret_headers, as {{env: NAME}}")
        check_value(name, str(value))


def check_value(name: str, value: str) -> None:
    """Raises ``ValueError``, without the value, for one that cannot stand in a header."""
    if not _VALUE.fullmatch(value):
        raise ValueError(f"headers: {name} must be one line of plain characters")


def _check_days(settings: Mapping[str, object]) -> None:
    if int(str(settings["certificate_days"])) < 0:
        raise ValueError("certificate_days: expected a whole number from 0")
