"""Who asks, and whether they may: looked at before anything of a request is read. Plain ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hutch.commands.access import audit, openid, signin, tokens
from hutch.commands.context import CommandError, Context
from hutch.model.access import EVERYBODY, NOBODY, Circle, Permission, Person
from hutch.model.accounts import Account, Session
from hutch.model.incident import stream_of
from hutch.ports import StoreAway, StoreFull
from hutch.web.circles import Circles
from hutch.web.doors import Found, Reach, find
from hutch.web.guard import Refused
from hutch.web.throttle import Throttle, network_of

T = TypeVar("T")

COOKIE = "hutch-session"

SAY_AGAIN = 1.0
"""Seconds for which it is believed that there is no account."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: with a session its secret, with a ``token`` that, and in both cases the account."""

    person: Person
    address: str = ""
    secret: str = ""
    account: Account | None = None
    session: Session | None = None
    token: str = ""


def asking(request: Request) -> Asking:
    """Who asks this."""
    found: Asking = request.state.asking
    return found


def person_of(request: Request) -> Person:
    """The person who asks this; everybody in an application without a gate."""
    found = getattr(request.state, "asking", None)
    return found.person if isinstance(found, Asking) else EVERYBODY


def may(request: Request, permission: Permission, service: str) -> None:
    """Raise :class:`Refused` unless whoever asks may do that with the service."""
    if not person_of(request).may(permission, service):
        raise Refused(f"Your role does not allow this with {service}: {permission} is needed", 403)


class Entry:
    """Decides about every request of one application."""

    def __init__(self, context: Context, circles: Circles) -> None:
        self.context, self.circles = context, circles
        self.throttle = Throttle(context)
        self._open_until, self._open = 0.0, False
        self.provider, self.pending = openid.provider_of(context), openid.Pending()

    @property
    def secure(self) -> bool:
        """Whether cookies go over https alone."""
        return self.context.config.access.url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The name of the session's cookie. Browsers take one called so only from this host, over https."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE

    async def open(self) -> bool:
        """Whether nobody signs in here: no account, on loopback, and it is not required. Once it ends it stays so."""
        if self.context.config.access.always or self.context.accounts is None:
            return self.context.accounts is None
        now = self.context.clock.now().timestamp()
        if self._open_until and not self._open:
            return False
        if now >= self._open_until:
            await self._look(now)
        return self._open

    async def _look(self, now: float) -> None:
        try:
            self._open = not await audit.accounts(self.context).any()
        except StoreAway:
            if not self._open_until:
                raise
            return  # as it was seen last: while the store is away nobody can be added through us
        self._open_until = now + SAY_AGAIN

    async def admit(self, request: Request) -> Response | None:
        """The answer to who may not; None where it goes on, and then ``request.state.asking`` is set."""
        if await self.open():
            request.state.asking = Asking(EVERYBODY, self.address(request))
            return None
        who = request.state.asking = await self._who(request)
        path: str = request.scope["path"]  # as routes are found by; a URL is made of the host's name too
        found = find(request.method, path)
        if found is None:
            raise Refused("There is no such page.", 404)
        if found.door.permission is Permission.OPEN:
            return None
        if not who.person.proved:
            return self._sign_in(request)
        if request.url.path.startswith("/api/"):
            self.throttle.api(who.person.name or who.address)
        await self._judge(found, who)
        return None

    async def _who(self, request: Request) -> Asking:
        address = self.address(request)
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and given.startswith(tokens.PREFIX):
            held = await tokens.whose(self.context, given.strip())
            if held is None:
                await self.throttle.guess(address)
                await self.tell("token.refused", "nobody", network_of(address), address, token=tokens.id_of(given))
                raise Refused("This token is not good: it is unknown, revoked, or its time is over", 401)
            return Asking(held[0].person(held[1].scopes), address, account=held[0], token=given.strip())
        secret = request.cookies.get(self.cookie, "")
        found = await signin.whose(self.context, secret) if secret else None
        return Asking(found[0].person(), address, secret, *found) if found else Asking(NOBODY, address)

    async def now(self, who: Asking) -> Person:
        """What they may do by now; nobody when their session ended, or their token."""
        if who.secret:
            found = await signin.whose(self.context, who.secret)
            return found[0].person() if found else NOBODY
        held = await tokens.whose(self.context, who.token)
        return held[0].person(held[1].scopes) if held else NOBODY

    def _sign_in(self, request: Request) -> Response:
        """To the sign-in page, which leads back; a program or a script is told."""
        if request.method == "GET" and not request.url.path.startswith("/api/") and _navigates(request):
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(back, safe='')}", 303)
        raise Refused("Sign in first: your session has ended, or you have none", 401)

    async def _judge(self, found: Found, who: Asking) -> None:
        """Raise :class:`Refused` for what they may not do, and for what they may not even know of."""
        thing = found.door.reach is Reach.THING
        circle = await self._circle(found) if thing else None
        hidden = thing and (circle is None or not who.person.sees(circle))
        if not hidden and _allowed(found, who.person, circle):
            return
        await self.refused(who, found.route)  # as much is done where there is nothing as where something is hidden
        if hidden:
            raise Refused(_unknown(found), 404)
        raise Refused(f"Your role does not allow this: {found.door.permission} is needed", 403)

    async def refused(self, who: Asking, what: str) -> None:
        """Tell of a refusal."""
        await self.tell("access.refused", who.person.name, who.person.name, who.address, what=what)

    async def tell(self, kind: str, actor: str, whose: str, address: str, **data: str) -> None:
        """Tell it in the audit log, up to some a minute for each of ``whose``."""
        if self.throttle.worth_telling(whose):
            await audit.record(self.context, kind, actor, **data, address=address)

    async def _circle(self, found: Found) -> Circle | None:
        """Who may look into what the address names; None where there is no such thing."""
        if "name" in found.params:
            return Circle(found.params["name"])
        stream = stream_of(found.params["incident_id"]) if "incident_id" in found.params else ""
        await self.circles.catch_up()
        return self.circles.of(stream or f"run:{found.params['run_id']}")

    def address(self, request: Request) -> str:
        """Where the request comes from. ``X-Forwarded-For`` is read from the right, and only as far as our own proxies
        wrote it: over all of its lines, since some proxies add one of their own below what the sender wrote."""
        found = _normal(request.client.host if request.client else "")
        hops = [h.strip() for h in ",".join(request.headers.getlist("x-forwarded-for")).split(",") if h.strip()]
        while hops and self._is_proxy(found):
            found = _normal(hops.pop())
        return found

    def _is_proxy(self, address: str) -> bool:
        try:
            return any(ip_address(address) in ip_network(n) for n in self.context.config.access.proxies)
        except ValueError:
            return False


def _normal(address: str) -> str:
    """As it is kept: an IPv4 address that is written as IPv6 (``::ffff:a.b.c.d``) as the IPv4 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    return str((found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found)


def _navigates(request: Request) -> bool:
    """Whether a person opened this as a page: not the page's own script, not the stream."""
    return request.query_params.get("fragment") != "1" and request.headers.get("sec-fetch-dest") in (None, "document")


def _unknown(found: Found) -> str:
    kinds = {"incident_id": "incident", "run_id": "run", "name": "service"}
    name = next(p for p in kinds if p in found.params)
    return f"There is no {kinds[name]} {found.params[name][:80]}."


def _allowed(found: Found, person: Person, circle: Circle | None) -> bool:
    if found.door.reach is Reach.SOMEWHERE:
        return person.may_somewhere(found.door.permission)
    return person.may(found.door.permission, circle.service if circle else "")


Say = Callable[[Request, str, int], Response]
"""Says an error to whoever asked."""


class Gate:
    """Answers who may not come in; passes on the rest."""

    def __init__(self, app: ASGIApp, entry: Entry, say: Say) -> None:
        self.app, self.entry, self.say = app, entry, say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = await self._answer(Request(scope), self.entry.admit)
        await (answer or self.app)(scope, receive, send)

    async def _answer(
        self, request: Request, admit: Callable[[Request], Awaitable[Response | None]]
    ) -> Response | None:
        request.state.asking = Asking(NOBODY)
        try:
            return await admit(request)
        except Refused as error:
            return self.say(request, str(error), error.status)
        except StoreAway as error:
            return self.say(request, str(error), 503)
        except (StoreFull, CommandError) as error:
            return self.say(request, str(error), 507)
