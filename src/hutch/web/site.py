"""What all pages share: the templates, the form token, the notices, the live feed; one for each application."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hutch.commands.access.digests import form_token
from hutch.commands.context import Context
from hutch.model.access import Permission
from hutch.web import assets, people
from hutch.web.circles import Circles
from hutch.web.gate import asking
from hutch.web.guard import Token
from hutch.web.live import Hub
from hutch.web.notices import Notice, Notices
from hutch.web.present.words import line
from hutch.web.ran import Runs
from hutch.web.shelf import Shelf
from hutch.web.stopped import Stopped
from hutch.web.ways import WAYS

QUICK = 4
"""How well pages are packed: a fifth is left of a long one, for a thousandth of a second."""

FRAGMENT = "fragment=1"
"""The query that asks for the part of a page that changes."""


def environment() -> Environment:
    """Escapes everything; a name that is not there is an error, not an empty place."""
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {"asset": assets.url, "ways": WAYS}
    made.filters["capitalize_first"] = capitalized
    return made


def capitalized(text: str) -> str:
    """The first letter large, the rest as it is; a code such as ``pg_dump`` stays small."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def answered(request: Request, text: str, status: int) -> Response:
    """A page; packed where the address brings no words that stand on it, and nothing secret is shown for once."""
    plain = request.method == "GET" and status == 200 and request.url.query in ("", FRAGMENT)
    if plain and assets.takes_gzip(request.headers.get("accept-encoding", "")):
        packed = gzip.compress(text.encode(), QUICK, mtime=0)
        return HTMLResponse(packed, status, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
    return HTMLResponse(text, status)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that drawing a page needs."""

    context: Context
    hub: Hub
    shelf: Shelf
    stopped: Stopped
    ran: Runs
    circles: Circles
    token: Token = field(default_factory=Token)
    notices: Notices = field(default_factory=Notices)
    templates: Environment = field(default_factory=environment)

    def draw(self, request: Request, name: str, *, status: int = 200, **values: Any) -> Response:
        """The page ``name``; with ``?fragment=1`` only the part of it that changes."""
        fragment = request.query_params.get("fragment") == "1"
        who, person = self.known(request), asking(request).person
        notice: Notice | None = values.pop("notice", None) or self.notices.take(request.query_params.get("said", ""))
        text = self.templates.get_template(f"{name}.html").render(
            layout="fragment.html" if fragment else "base.html",
            now=self.context.clock.now(),
            stand=self.stand(request),
            who=who or people.system_user(),
            named=bool(who),
            token=self.form_token(request),
            person=person,
            admin=person.may(Permission.ADMINISTER),
            subscribers=self.context.config.status_page is not None,
            mode=self.context.config.mode,
            frozen=line(self.frozen()),
            notice=notice,
            here=request.url.path,
            **values,
        )
        return answered(request, text, status)

    def known(self, request: Request) -> str:
        """Who is signed in; where nobody has to, the name that this browser gave before; empty when it gave none."""
        return asking(request).person.name or people.known(request)

    def actor(self, request: Request, given: str = "") -> str:
        """Whose name stands in the log: who is signed in, whatever a form says."""
        return asking(request).person.name or given or people.known(request) or people.system_user()

    def form_token(self, request: Request) -> str:
        """What a form has to bring back: that of the session, else of this process."""
        return self._token(request).written()

    def check(self, request: Request, given: str) -> None:
        """Raise ``Refused`` for a form that was not drawn for whoever sends it."""
        self._token(request).check(given)

    def _token(self, request: Request) -> Token:
        secret = asking(request).secret
        return Token(form_token(secret)) if secret else self.token

    def stand(self, request: Request) -> str:
        """How far the log is told by the page, for one that follows it; empty for any other."""
        position: int | None = getattr(request.state, "position", None)
        return "" if position is None else self.hub.stand(position, bool(self.frozen()))

    def frozen(self) -> str:
        """Why changes are stopped; empty when they are not."""
        return self.stopped.reason


def site_of(request: Request) -> Site:
    """The site of the application that answers."""
    site: Site = request.app.state.site
    return site


async def following(request: Request) -> None:
    """Before a page that follows the log is drawn: where the log stands. What comes later the page is told."""
    if request.method == "GET":
        request.state.position = await site_of(request).hub.drawing()
