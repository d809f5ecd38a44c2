"""Accounts, sessions, tokens and the audit log, as pages show them. Nothing here holds a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.commands.access.audit import KINDS
from hutch.model.access import over
from hutch.model.accessing import AccessConfig
from hutch.model.accounts import Account, Session, Token
from hutch.web.present.words import Moment, line, moment


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One of the people."""

    name: str
    role: str
    grants: tuple[tuple[str, str], ...]
    comes_by: str
    state: str
    created: Moment


def account_rows(found: Iterable[Account], now: datetime) -> list[AccountRow]:
    """All of them."""
    return [
        AccountRow(
            a.name,
            a.role.value if a.role else "none",
            tuple((line(service), role.value) for service, role in sorted(a.grants.items())),
            " and ".join(w for w, has in (("password", a.password), ("single sign-on", a.subject)) if has) or "nothing",
            "disabled" if a.disabled else "locked" if a.locked_until and a.locked_until > now else "active",
            moment(a.created_at, now),
        )
        for a in found
    ]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that is signed in. ``key`` is the beginning of its digest."""

    key: str
    label: str
    begun: Moment
    used: Moment
    own: bool


def session_rows(found: Sequence[Session], own: Session | None, keep: AccessConfig, now: datetime) -> list[SessionRow]:
    """Those that have not ended."""
    live = [s for s in found if not over(s.begun_at, s.used_at, now, keep.idle, keep.whole)]
    return [
        SessionRow(
            s.digest[:16], line(browser(s.label)), moment(s.begun_at, now), moment(s.used_at, now),
            own is not None and s.digest == own.digest,
        )
        for s in live
    ]  # fmt: skip


BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "aiohttp")
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS"}


def browser(label: str) -> str:
    """``Firefox on Linux`` out of what a browser calls itself; what says neither as it is."""
    program = next((b for b in BROWSERS if b in label), "")
    system = next((s for s in SYSTEMS if s in label), "")
    named = [_NAMES.get(w, w) for w in (program, system) if w]
    return " on ".join(named) if named else label[:40] or "a browser that does not say"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token, without itself."""

    id: str
    label: str
    scopes: str
    expires: Moment
    over: bool
    used: Moment | None


def token_rows(found: Iterable[Token], now: datetime) -> list[TokenRow]:
    """The newest first."""
    rows = [
        TokenRow(
            t.id, line(t.label), ", ".join(sorted(t.scopes)), moment(t.expires_at, now), t.expires_at <= now,
            moment(t.used_at, now) if t.used_at else None,
        )
        for t in found
    ]  # fmt: skip
    return rows[::-1]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what, when; ``about`` are the facts, ``stream`` where it stands."""

    at: Moment
    who: str
    what: str
    about: str
    stream: str
    good: bool


ELSEWHERE: Mapping[str, str] = {
    "approval.granted": "approved",
    "approval.denied": "declined",
    "decision.made": "judged a change",
    "role.assigned": "gave a role in an incident",
    "commander.assigned": "gave the command of an incident",
    "person.admitted": "let somebody in to a private incident",
    "incident.closed_off": "made an incident private",
}

BAD = frozenset({"session.refused", "access.refused", "token.refused", "approval.denied"})


def audit_rows(
    found: Iterable[tuple[datetime, str, str, str, dict[str, object]]], words: Sequence[str], now: datetime
) -> list[AuditRow]:
    """Those that have all the words, in the order given."""
    rows = []
    for at, who, kind, stream, data in found:
        what = KINDS.get(kind) or ELSEWHERE.get(kind, kind)
        about = line(" · ".join(f"{k} {_shown(v)}" for k, v in data.items() if v not in ("", None, False, [])))
        if all(w in f"{who} {what} {about} {stream} {kind}".lower() for w in words):
            rows.append(AuditRow(moment(at, now), line(who), what, about, stream, kind not in BAD))
    return rows


def _shown(value: object) -> str:
    if value is True:
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)[:120]
