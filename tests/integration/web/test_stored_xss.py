"""Hostile text in every field that somebody or something else fills in: no page makes anything but words of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from guarded import PASSWORD, guarded
from hostile_world import FIELDS, LINK, evil, filled, opened
from hutch.commands.access import people
from hutch.model.access import AccessRole
from hutch.model.subscriber import asked
from hutch.ports import Append


class Judge(HTMLParser):
    """What a browser would take from a page that it must not."""

    TAGS = frozenset({"probe", "iframe", "object", "embed", "base", "frame", "applet", "foreignobject", "style"})
    PLACES = frozenset({"href", "src", "action", "formaction", "xlink:href", "data", "poster", "srcset"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        ours = given.get("src", "").startswith("/static/") or given.get("src") in ("status.js", "../status.js")
        if tag in self.TAGS or (tag == "script" and not ours):
            self.found.append(f"<{tag}> {given}")
        if tag == "meta" and "http-equiv" in given:
            self.found.append(f"meta {given}")
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc") or "probe" in name:
                self.found.append(f"{tag} {name}={value}")
            scheme = re.sub(r"[\s\x00-\x1f]", "", value).partition(":")[0].lower()
            if name in self.PLACES and scheme in ("javascript", "data", "vbscript"):
                self.found.append(f"{tag} {name}={value}")
        if tag == "a":
            self.links.add(given.get("href", ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and data.strip():
            self.found.append(f"inside {self.cdata_elem}: {data[:80]}")
        self.words += data


@pytest.mark.parametrize("text", [evil("x"), f'<a href="{LINK}">', '<p style="x">', "<script>x</script>", "<base>"])
def test_the_judge_sees_what_would_run(text: str) -> None:
    assert Judge(text).found


@pytest.mark.timeout(240)
async def test_no_page_makes_anything_but_words_of_what_others_wrote(tmp_path: Path, served: Any) -> None:
    site = await served(opened(tmp_path))
    await filled(site.context)
    (run,) = await runs_of(site)
    await site.until(run, lambda r: bool(r.waiting) or r.finished)

    todo_, seen, words, wrong = {"/"}, set(), "", []
    start = ("/incidents", "/runs", "/runbooks", "/services", "/alerts", "/log", "/todo", "/reviews", "/reports",
             "/oncall", "/settings", "/report", "/status/index.html", "/status/history.html")  # fmt: skip
    todo_ |= set(start)
    while todo_ and len(seen) < 200:
        path = todo_.pop()
        seen.add(path)
        async with site.client.get(site.address + path) as answer:
            assert answer.status < 500, path
            if not answer.content_type.startswith("text/html"):
                assert answer.headers["X-Content-Type-Options"] == "nosniff", path
                continue
            judge = Judge(await answer.text())
        wrong += [(path, found) for found in judge.found]
        words += judge.words
        for link in judge.links:
            parts = urlsplit(link)
            if not parts.scheme and not parts.netloc and parts.path.startswith("/"):
                place = parts.path + (f"?{parts.query}" if parts.query else "")
                if place not in seen:
                    todo_.add(place)
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert set(start) <= seen and len(seen) >= 25, sorted(seen)
    unseen = [field for field in FIELDS if f"F-{field}-F" not in words]
    assert not unseen, unseen


async def runs_of(site: Any) -> list[str]:
    streams = await site.context.store.streams("run:")
    return [name.removeprefix("run:") for name in streams]


PEOPLE = ("browser", "token", "hook", "reason")
"""What the pages of accounts, of the audit log and of subscribers show of others' words."""

MORE = """
access: {required: true, sign_in_rate: 1000/minute}
status_page: {title: Acme, address: 'https://status.acme.example', webhooks: true, components: [{name: Website}]}
"""


@pytest.mark.timeout(120)
async def test_no_page_of_people_or_of_an_admin_does_either(tmp_path: Path) -> None:
    async with guarded(tmp_path, MORE) as hutch:
        await people.add(hutch.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        await people.add(hutch.context, "bob", AccessRole.RESPONDER, PASSWORD, evil("reason"))
        ada, stranger = await hutch.client(), await hutch.client()
        ada.headers = {"User-Agent": evil("browser")}
        await ada.form("/sign-in", "/sign-in", name="ada", password=PASSWORD)
        refused = await stranger.form("/sign-in", "/sign-in", name=evil("stranger"), password="x", next=evil("place"))
        shown = await ada.form("/account", "/account/tokens", label=evil("token"), days="3", **{"scope.read": "yes"})
        url = f"https://hooks.example.com/{evil('hook').replace(' ', '+')}"
        await hutch.context.store.commit([Append("subscriber:x1", (asked(url),))])
        await (await hutch.client("bob")).get("/people")
        word, part = quote(evil("wanted")), quote(evil("wanted"), "")
        places = [f"/find?q={word}", f"/audit?q={word}", f"/log?kind={word}", f"/sign-in?next={word}", f"/runs/{part}",
                  f"/incidents/{part}", f"/services/{part}/signals"]  # fmt: skip
        answers = {
            p: (await ada.get(p)).text for p in ("/account", "/people", "/audit", "/subscribers", "/log", *places)
        }
        answers |= {"/sign-in": refused.text, "tokens": shown.text}
        answers["anonymous"] = (await stranger.get(f"/sign-in?next={quote(evil('place'))}")).text
    judges = {place: Judge(text) for place, text in answers.items()}
    assert [(place, judge.found) for place, judge in judges.items() if judge.found] == []
    words = "".join(judge.words for judge in judges.values())
    unseen = [field for field in PEOPLE if f"F-{field}-F" not in words]
    assert not unseen, ", ".join(unseen)
