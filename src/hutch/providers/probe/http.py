"""The HTTP probe: ask once, follow redirects where that is wanted, and judge what came back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from hutch.model.finding import Object
from hutch.model.probe import Probed
from hutch.ports import Probe, ProbeTarget
from hutch.providers.probe.dial import Unreached, Watch, dial, trusting
from hutch.providers.probe.exchange import Answer, Header, Request, ask
from hutch.providers.probe.judge import Wanted, ending, fault_of_body, fault_of_status, told
from hutch.providers.probe.settings import check_value, http_address, mapping, ranges, texts

HOPS = 5
"""Redirects that are followed."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})

AGENT = "hutch-probe"

WAITING = {
    "": "no address for its name", "lookup": "no connection", "connect": "no answer", "tls": "no answer",
    "first_byte": "no end of the answer",
}  # fmt: skip
"""What did not come in time, by the last phase that ended."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked, and what the answer must be; ``secret`` headers go to the target's own origin alone."""

    url: str = field(repr=False)
    method: str
    plain: tuple[Header, ...] = field(repr=False)
    secret: tuple[Header, ...] = field(repr=False)
    body: bytes = field(repr=False)
    wanted: Wanted
    follow: bool
    certificate_days: int
    authorities: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a look and its answer; ``asked`` is the address."""

    asked: str
    answer: Answer
    certificate_ends: datetime | None


def opened(target: ProbeTarget) -> Probe:
    """The probe. ``ValueError`` names a setting that is wrong once its secret is known."""
    settings = _settings(target)

    async def look() -> Probed:
        watch = Watch()
        host = shown_host(settings.url)
        try:
            async with asyncio.timeout(target.timeout):
                hop = await _followed(settings, watch, target.timeout)
        except TimeoutError:
            return _silent(watch, host, target.timeout)
        except Unreached as error:
            return _unreached(error, watch, host)
        return _judged(settings, hop, watch.phases(), target.now())

    return look


def _settings(target: ProbeTarget) -> Settings:
    http_address(target.target)
    given = target.settings
    secret = [(str(name), str(value).strip()) for name, value in mapping(given, "secret_headers").items()]
    for name, value in secret:
        check_value(name, value)
    authorities = str(given["ca"] or "")
    if urlsplit(target.target).scheme == "https":
        trusting(authorities, "http/1.1")
    return Settings(
        url=target.target,
        method=str(given["method"]).upper(),
        plain=tuple((str(name), str(value)) for name, value in mapping(given, "headers").items()),
        secret=(*secret, *_login(target.target)),
        body=str(given["body"]).encode(),
        wanted=Wanted(ranges(given), texts(given, "contains"), texts(given, "lacks"), mapping(given, "json") or None),
        follow=bool(given["follow"]),
        certificate_days=int(str(given["certificate_days"])),
        authorities=authorities,
    )


def _login(url: str) -> list[Header]:
    """What a user and a password in the address become, as curl does."""
    parts = urlsplit(url)
    if parts.username is None:
        return []
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")]


# ------------------------------------------------------------------ asking


async def _followed(settings: Settings, watch: Watch, within: float) -> Hop:
    """The answer that counts: the last one, where redirects are followed."""
    url = settings.url
    for _ in range(HOPS + 1):
        hop = await _hop(settings, url, watch, within)
        place = hop.answer.header("location")
        if not (settings.follow and hop.answer.status in REDIRECTS and place):
            return hop
        url = _next(url, place)
    raise Unreached("redirects", f"more than {HOPS} redirects, the last to {shown(url)}")


def _next(url: str, place: str) -> str:
    """Where a redirect leads; whatever the other side wrote, it is an address of HTTP or none at all."""
    try:
        there = urljoin(url, quote(place, safe="%/:=&?~#+!$,;'@()*[]"))
        http_address(there)
    except ValueError:
        raise Unreached("redirects", f"it redirects to what is no address of HTTP: {place[:100]!r}") from None
    return there


async def _hop(settings: Settings, url: str, watch: Watch, within: float) -> Hop:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    tls = trusting(settings.authorities, "http/1.1") if secure else None
    watch.hop()
    line = await dial(host, parts.port or (443 if secure else 80), watch, within, tls)
    try:
        answer = await ask(line, _request(settings, url), watch)
    finally:
        line.drop()
    return Hop(url, answer, line.certificate_ends)


def _request(settings: Settings, url: str) -> Request:
    parts = urlsplit(url)
    own = origin(url) == origin(settings.url)
    given = (*settings.plain, *(settings.secret if own else ()))
    known = {name.lower() for name, _ in given}
    usual = (("User-Agent", AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
    headers = (("Host", parts.netloc.rpartition("@")[2]), *(h for h in usual if h[0].lower() not in known), *given)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    first = url == settings.url
    method = settings.method if first or settings.method != "POST" else "GET"
    return Request(method, path, (*headers, ("Connection", "close")), settings.body if first else b"")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: a secret for one is none of another's business."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


# ------------------------------------------------------------------ judging


def _judged(settings: Settings, hop: Hop, phases: Mapping[str, float], now: datetime) -> Probed:
    answer, host = hop.answer, shown_host(hop.asked)
    status = fault_of_status(settings.wanted, answer.status)
    body = "" if status else fault_of_body(settings.wanted, answer.body, answer.whole)
    said = f"{answer.status} {answer.reason}".strip()
    if status or body:
        code = "http.error_rate" if answer.status >= 500 else "http.unexpected"
        detail = told((f"{said}, {status}" if status else said, body, _hint(answer)))
        return Probed(False, detail, phases, True, code, Object("host", host))
    soon = ending(hop.certificate_ends, now, settings.certificate_days, urlsplit(hop.asked).hostname or "")
    if soon:
        return Probed(True, told((said, soon[0])), phases, True, "http.tls_expiring", Object("host", host))
    return Probed(True, told((said,)), phases, True)


def _hint(answer: Answer) -> str:
    place = answer.header("location")
    return f"it leads to {shown(place)}; follow: true goes there" if answer.status in REDIRECTS and place else ""


def _silent(watch: Watch, host: str, seconds: float) -> Probed:
    """The time is over: the last phase that ended tells what was waited for."""
    last = watch.last
    code, late = "http.unreachable" if last else "http.dns", f"{WAITING[last]} within {seconds:g} s"
    return Probed(False, late, watch.phases(), last == "first_byte", code, Object("host", host))


_CODES: Mapping[str, str] = {
    "lookup": "http.dns", "expired": "http.tls_expiring", "redirects": "http.unexpected",
}  # fmt: skip


def _unreached(error: Unreached, watch: Watch, host: str) -> Probed:
    code = _CODES.get(error.kind, "http.unreachable")
    answered = error.kind == "redirects"
    return Probed(False, told((str(error),)), watch.phases(), answered, code, Object("host", host))


def shown(url: str) -> str:
    """An address without what may be secret in it: user, password, query. It may be none, if others wrote it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no address"
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    return urlunsplit(bare)[:200]


def shown_host(url: str) -> str:
    """Its host and port, as written."""
    return urlsplit(url).netloc.rpartition("@")[2]
