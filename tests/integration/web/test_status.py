"""The public page over HTTP and as files: only what was sent to customers, as Statuspage's readers expect it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import aiohttp
import pytest
from click.testing import CliRunner
from tests.support.sinks import Hook, Mailbox, Received, hook, mailbox

from hutch.bootstrap.wire import open_context
from hutch.cli.main import cli
from hutch.commands import incidents, maintenance, subscribers, updates
from hutch.commands.context import CommandError, Context
from hutch.model.action import Result
from hutch.model.event import Draft, instant
from hutch.model.message import Audience
from hutch.model.severity import Severity
from hutch.model.subscriber import new_id
from hutch.ports import Append
from hutch.web.app import build_status
from hutch.web.kept import Keeper
from hutch.web.server import listen, serving

HOSTILE = "<script>alert(1)</script> & 'x' \x07"
CONFIG = """
diagnose_every: 0s
notify:
  channels:
    news: {kind: mail, audience: customers, server: "127.0.0.1:PORT", security: none,
           sender: news@acme.example, to: [all@acme.example]}
services: {shop: {http: {url: "http://127.0.0.1:9"}}, api: {}}
status_page:
  title: Acme <b>
  address: https://status.acme.example
  folder: public
  mail: news
  reports: true
  webhooks: true
  webhook_networks: [127.0.0.0/8]
  components:
    - {name: Website, service: shop}
    - {name: API, service: api, group: Developers}
    - {name: Webhooks, group: Developers}
"""


@dataclass
class House:
    """The public page's listener, the console's, and their context."""

    public: str
    console: str
    context: Context
    client: aiohttp.ClientSession
    box: Mailbox

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str, Mapping[str, str]]:
        async with self.client.get(self.public + path, headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers

    async def json(self, name: str) -> dict[str, object]:
        found: dict[str, object] = json.loads((await self.get(f"/api/v2/{name}.json"))[1])
        return found


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr("hutch.web.status.FRESH", 0.0)
    async with mailbox() as box:
        (tmp_path / "hutch.yaml").write_text(CONFIG.replace("PORT", str(box.port)))
        context = open_context(tmp_path / "hutch.yaml")
        near, public = listen(0), listen(0)
        async with aiohttp.ClientSession() as client, serving(context, near, public=public):
            addresses = [f"http://127.0.0.1:{s.getsockname()[1]}" for s in (public, near)]
            yield House(addresses[0], addresses[1], context, client, box)
        await context.close()


async def mail(box: Mailbox, number: int) -> str:
    """The text of the mail of that number, once it came."""
    async with asyncio.timeout(20):
        while len(box.mails) <= number:
            await asyncio.sleep(0.02)
    return str(box.mails[number].get_content())


def link_in(text: str) -> str:
    """The path of the subscription link in a mail."""
    found = re.search(r"https://status\.acme\.example(/subscription/\S+)", text)
    assert found, text
    return found[1]


async def tell(
    context: Context, name: str, text: str, audience: Audience = Audience.CUSTOMERS, **components: str
) -> None:
    seen = await updates.preview(context, name, audience, text=text, components=components)
    await updates.send(context, seen, "ann", override="a test")


async def declared(context: Context, severity: Severity = Severity.SEV2, **how: bool) -> str:
    title = "db-7.internal leaks"
    return (await incidents.declare(context, title=title, service="shop", severity=severity, **how)).id


async def test_what_was_sent_to_customers_and_nothing_else(house: House) -> None:
    name = await declared(house.context)
    assert (await house.json("status"))["status"] == {"indicator": "none", "description": "All systems operational"}
    await tell(house.context, name, f"[INVESTIGATING] Slow {HOSTILE}\n\nWe look. {HOSTILE}", Webhooks="major_outage")
    summary = await house.json("summary")
    assert set(summary) == {"page", "components", "incidents", "scheduled_maintenances", "status"}
    assert summary["status"] == {"indicator": "critical", "description": "Major system outage"}
    rows = {c["name"]: c for c in summary["components"]}  # type: ignore[attr-defined]
    states = {n: c["status"] for n, c in rows.items()}
    assert states == {"Website": "partial_outage", "API": "operational", "Webhooks": "major_outage",
                      "Developers": "major_outage"}  # fmt: skip
    assert rows["Developers"]["components"] == [rows["API"]["id"], rows["Webhooks"]["id"]]
    assert rows["API"]["group_id"] == rows["Developers"]["id"] and rows["Website"]["group_id"] is None
    await tell(house.context, name, "[RESOLVED] Slow\n\nAll is well.")
    (incident,) = (await house.json("incidents"))["incidents"]  # type: ignore[misc]
    assert (incident["status"], incident["impact"]) == ("resolved", "critical") and incident["resolved_at"]
    told = incident["incident_updates"]
    assert [u["status"] for u in told] == ["resolved", "investigating"]
    changed = {a["name"]: (a["old_status"], a["new_status"]) for a in told[0]["affected_components"]}
    assert changed == {"Website": ("partial_outage", "operational")}
    assert (await house.json("incidents/unresolved"))["incidents"] == []
    pages = ("/", "/history.html", "/history.atom", f"/incidents/{incident['id']}.html")
    for path in (*pages, "/api/v2/summary.json", "/api/v2/incidents.json"):
        said = (await house.get(path))[1]
        assert "internal" not in said and name not in said, path
        assert path.startswith("/api/") or "<script>alert" not in said, path


async def test_it_is_closed_again_for_what_is_not_meant_for_it(house: House) -> None:
    name = await declared(house.context)
    with pytest.raises(CommandError, match="no channel for stakeholders"):
        await tell(house.context, name, "[IDENTIFIED] For us", Audience.STAKEHOLDERS)
    with pytest.raises(CommandError, match="--component is for customers"):
        await updates.preview(house.context, name, Audience.RESPONDERS, components={"API": "operational"})
    with pytest.raises(CommandError, match="no such component; there are: Website, API, Webhooks"):
        await updates.preview(house.context, name, Audience.CUSTOMERS, components={"Shop": "operational"})
    with pytest.raises(CommandError, match="expected one of degraded_performance"):
        await updates.preview(house.context, name, Audience.CUSTOMERS, components={"api": "broken"})
    exercise = await declared(house.context, exercise=True)
    with pytest.raises(CommandError, match="no exercise channel for customers"):
        await tell(house.context, exercise, "[IDENTIFIED] Practice")
    assert (await house.json("incidents"))["incidents"] == []


async def test_anybody_may_read_it_and_nothing_else_is_there(house: House) -> None:
    status, _, headers = await house.get("/api/v2/summary.json")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert (await house.get("/api/v2/summary.json", {"If-None-Match": headers["ETag"]}))[0] == 304
    assert "Access-Control-Allow-Origin" not in (await house.get("/"))[2]
    for path in ("/", "/api/v2/summary.json", "/history.atom"):
        async with house.client.head(house.public + path) as answer:
            assert (answer.status, await answer.text()) == (200, "") and answer.headers["ETag"], path
    for path in ("/api/v1/incidents", "/incidents/INC-2026-001", "/../hutch.yaml", "/%2e%2e/hutch.yaml", "/static/x"):
        assert (await house.get(path))[0] == 404, path
    async with house.client.post(house.public + "/", data={"x": "y"}) as answer:
        assert answer.status in (403, 405)
    root = fromstring((await house.get("/history.atom"))[1])
    assert root.tag == "{http://www.w3.org/2005/Atom}feed"
    async with house.client.get(house.console + "/status") as answer:
        assert "Acme &lt;b&gt;" in await answer.text()


async def test_planned_work_is_public_only_where_that_was_said(house: House) -> None:
    now, hour = house.context.clock.now(), timedelta(hours=1)
    await maintenance.add(house.context, "Secret move", "shop", now, now + hour, "ann")
    await maintenance.add(house.context, "New disks", "api", now, now + hour, "ann", public=True)
    await maintenance.add(house.context, "Later", "", now + hour, now + 2 * hour, "ann", public=True)
    rows = (await house.json("scheduled-maintenances"))["scheduled_maintenances"]
    assert [(r["name"], r["status"]) for r in rows] == [("New disks", "in_progress"), ("Later", "scheduled")]  # type: ignore[attr-defined]
    active = (await house.json("scheduled-maintenances/active"))["scheduled_maintenances"]
    assert [[c["name"] for c in r["components"]] for r in active] == [["API"]]  # type: ignore[attr-defined]
    assert "Secret move" not in (await house.get("/"))[1]
    tags = [(await house.get("/api/v2/scheduled-maintenances.json"))[2]["ETag"] for _ in range(2)]
    assert tags[0] == tags[1], "it holds while nothing changes"
    assert (await house.json("summary"))["page"]["updated_at"] == instant(now)  # type: ignore[index]
    await maintenance.end(house.context, "M-002", "ann")
    rows = (await house.json("scheduled-maintenances"))["scheduled_maintenances"]
    assert {r["name"]: r["status"] for r in rows} == {"New disks": "completed", "Later": "scheduled"}  # type: ignore[attr-defined]


async def test_its_files_are_kept_for_a_plain_web_server(house: House, tmp_path: Path) -> None:
    index = tmp_path / "public" / "index.html"
    async with asyncio.timeout(20):
        while not index.exists():
            await asyncio.sleep(0.05)
        name = await declared(house.context)
        await tell(house.context, name, "[IDENTIFIED] Slow pages\n\nWe know why.")
        while "Slow pages" not in index.read_text():
            await asyncio.sleep(0.05)
    told = json.loads((tmp_path / "public" / "api" / "v2" / "status.json").read_text())
    assert told["status"]["indicator"] == "major"
    assert not list((tmp_path / "public").rglob("*.new"))


async def test_a_folder_that_cannot_be_written_is_one_error(house: House, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CommandError, match="the status page cannot be kept in "):
        await Keeper(house.context, tmp_path / "taken").keep()


def test_without_a_page_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\n")
    with pytest.raises(CommandError, match="there is no status page"):
        build_status(open_context(tmp_path / "hutch.yaml"))


async def test_a_subscriber_confirms_is_told_once_and_is_forgotten(house: House) -> None:
    async def send(path: str, **fields: str) -> tuple[int, str]:
        headers = {"Origin": "https://another.example"}
        async with house.client.post(house.public + path, data=fields, headers=headers) as answer:
            return answer.status, await answer.text()

    assert "Subscribe" in (await house.get("/"))[1]
    assert (await send("/subscribe", mail="not an address"))[0] == 400
    for _ in range(2):  # the second is not sent: nobody can be made to get many
        status, said = await send("/subscribe", mail=" Ann@Example.com ")
        assert (status, "Look into your mail" in said) == (200, True)
    question = link_in(await mail(house.box, 0))
    assert house.box.mails[0]["To"] == "Ann@example.com" and house.box.mails[0]["List-Unsubscribe"] is None
    assert "Yes, tell me" in (await house.get(question))[1]
    name = await declared(house.context)
    await tell(house.context, name, "[INVESTIGATING] Early\n\nBefore anybody confirmed.")
    assert "Early" in str((await mail(house.box, 1), house.box.mails[1]["Subject"])[1])  # to the channel's own address
    assert "You will be told" in (await send(question))[1]
    await tell(house.context, name, "[IDENTIFIED] Early\n\nWe know why.")
    await mail(house.box, 3)
    told = next(m for m in house.box.mails[2:] if m["To"] == "Ann@example.com")
    assert str(told["Subject"]) == "Acme <b>: [Identified] Early" and "We know why." in told.get_content()
    leave = link_in(told.get_content())
    assert told["List-Unsubscribe"] == f"<https://status.acme.example{leave}>"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    _, body = await send(leave, **{"List-Unsubscribe": "One-Click"})
    assert "not hear from us" in body
    await tell(house.context, name, "[RESOLVED] Early\n\nOver.")
    await mail(house.box, 4)
    await asyncio.sleep(0.3)
    assert [m["To"] for m in house.box.mails].count("Ann@example.com") == 2
    log = [e for _, e in await house.context.store.tail(0)]
    assert "example.com" not in json.dumps([dict(e.data) for e in log if e.stream.startswith("subscriber:")])
    assert (await send(question))[0] == 409
    assert (await house.get("/subscription/forged"))[0] == 404


async def test_a_confirmation_holds_though_something_is_written_meanwhile(house: House, monkeypatch: Any) -> None:
    store, commit = house.context.store, house.context.store.commit
    async with house.client.post(house.public + "/subscribe", data={"mail": "ann@example.com"}) as answer:
        assert answer.status == 200
    question = link_in(await mail(house.box, 0))

    async def after_another(appends: Any, jobs: Any = (), **more: Any) -> Any:
        if appends and any(draft.kind == "subscriber.confirmed" for draft in appends[0].drafts):
            monkeypatch.setattr(store, "commit", commit)
            await commit([Append(appends[0].stream, (Draft("x.y", {}),))])
        return await commit(appends, jobs, **more)

    monkeypatch.setattr(store, "commit", after_another)
    async with house.client.post(house.public + question) as answer:
        assert "You will be told" in await answer.text()
    assert [one["confirmed"] for one in await subscribers.listing(house.context)] == [True]


async def come(one: Hook, number: int) -> Received:
    """What the webhook got at that number, once it came."""
    async with asyncio.timeout(40):
        while len(one.got) <= number:
            await asyncio.sleep(0.02)
    return one.got[number]


async def test_a_webhook_confirms_is_told_signed_tried_again_listed_and_tested(house: House) -> None:
    async def send(path: str, **fields: str) -> tuple[int, str]:
        async with house.client.post(house.public + path, data=fields) as answer:
            return answer.status, await answer.text()

    def right(key: str, got: Received) -> bool:
        signed = hmac.new(key.encode(), got.raw, hashlib.sha256).hexdigest()
        return got.headers["x-hutch-signature"] == f"sha256={signed}"

    assert "address of a webhook" in (await house.get("/subscribe"))[1]
    for wrong in ("ftp://x.example/", "https://a:b@x.example/", "https://", "//x", "https://x.example/\r\nX: 1 y"):
        assert (await send("/subscribe", webhook=wrong))[0] == 400, wrong
    async with hook(answers=[503]) as one:
        assert (await send("/subscribe", webhook=one.url, mail="ann@example.com"))[0] == 400
        for _ in range(2):  # the second asks nobody
            assert "your webhook got" in (await send("/subscribe", webhook=one.url))[1]
        first, question = await come(one, 0), await come(one, 1)  # it was away at first, and was tried again
        assert first.body["id"] == question.body["id"] and "leave" not in question.body
        (row,) = await subscribers.listing(house.context)
        assert (row["kind"], row["address"], row["confirmed"]) == ("webhook", one.url, False)
        with pytest.raises(CommandError, match="has not confirmed"):
            await subscribers.test(house.context, str(row["id"]), "ann")
        name = await declared(house.context)
        found = re.search(r"signed with this key: ([0-9a-f]{64})", (await send(link_in(question.body["body"])))[1])
        assert found and right(found[1], question)
        await tell(house.context, name, "[IDENTIFIED] Early\n\nWe know why.")
        told = await come(one, 2)
        assert "We know why." in told.body["body"] and told.body["title"] == "Acme <b>: [Identified] Early"
        assert right(found[1], told) and not right("0" * 64, told)
        assert (await subscribers.test(house.context, str(row["id"]), "ann")).result is Result.DONE
        test = await come(one, 3)
        assert "tests this subscription" in test.body["body"] and right(found[1], test)
        leave = link_in(test.body["leave"])
        assert "not hear from us" in (await send(leave))[1]
        await tell(house.context, name, "[RESOLVED] Early\n\nOver.")
        await mail(house.box, 1)
        assert len(one.got) == 4 and await subscribers.listing(house.context) == []
    log = [e for _, e in await house.context.store.tail(0)]
    kept = json.dumps([dict(e.data) for e in log if e.stream.startswith("subscriber:")])
    assert one.url not in kept and found[1] not in kept


async def test_an_admin_removes_a_subscriber_by_command_and_on_the_page(house: House, tmp_path: Path) -> None:
    async def asked(address: str, number: int) -> str:
        async with house.client.post(house.public + "/subscribe", data={"mail": address}) as answer:
            assert answer.status == 200
        async with house.client.post(house.public + link_in(await mail(house.box, number))) as answer:
            assert "You will be told" in await answer.text()
        return new_id(address)

    names = [await asked(f"{who}@example.com", number) for number, who in enumerate(("ann", "bob", "carl"))]
    page = f"{house.console}/subscribers"
    async with house.client.get(page) as answer:
        text = await answer.text()
        assert all(f"{who}@example.com" in text for who in ("ann", "bob", "carl")) and text.count("not confirmed") == 0
        token = re.search(r'name="token" value="([^"]+)"', text)
    removal, headers = f"{page}/{names[0]}/removal", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    async with house.client.post(removal, data={"token": "none"}, headers=headers) as answer:
        assert answer.status == 403
    assert token
    async with house.client.post(removal, data={"token": token[1]}, headers=headers) as answer:
        text = await answer.text()
        assert f"{names[0]} is forgotten" in text and "ann@example.com" not in text
    async with house.client.post(removal, data={"token": token[1]}, headers=headers) as answer:
        assert "no subscriber" in await answer.text()

    def call(*words: str) -> Any:
        return CliRunner().invoke(cli, ["--config", str(tmp_path / "hutch.yaml"), "status", *words])

    done = await asyncio.to_thread(call, "remove", "bob@Example.com", "--json")
    assert json.loads(done.stdout) == {"subscriber": names[1], "removed": True}
    for wrong in ("bob@example.com", "nobody", "a@b@c"):
        done = await asyncio.to_thread(call, "remove", wrong)
        assert isinstance(done.exception, CommandError) and done.exception.code == 2, wrong
    name = await declared(house.context)
    await tell(house.context, name, "[IDENTIFIED] Slow\n\nWe know why.")
    await mail(house.box, 4)  # three questions, the channel's own address, and carl
    await asyncio.sleep(0.3)
    assert [m["To"] for m in house.box.mails[3:]].count("carl@example.com") == 1 and len(house.box.mails) == 5
    log = [e for _, e in await house.context.store.tail(0)]
    kept = json.dumps([[e.actor, e.kind, dict(e.data)] for e in log if e.stream.startswith("subscriber:")])
    assert "ann@" not in kept and "bob@" not in kept and '"subscriber.left"' in kept


async def test_a_strangers_webhook_reaches_nothing_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CONFIG.replace("  webhook_networks: [127.0.0.0/8]\n", "").replace("PORT", "9").replace("  mail: news\n", "")
    (tmp_path / "hutch.yaml").write_text(text)
    context = open_context(tmp_path / "hutch.yaml")
    public = listen(0)
    async with hook() as one, aiohttp.ClientSession() as client, serving(context, listen(0), public=public):
        place = f"http://127.0.0.1:{public.getsockname()[1]}/subscribe"
        for url in (
            one.url,
            one.url.replace("127.0.0.1", "localhost"),
            one.url.replace("127.0.0.1", "[::ffff:7f00:1]"),
        ):
            async with client.post(place, data={"webhook": url}) as answer:
                assert answer.status == 200  # nobody learns from the answer what there is
        rows: list[dict[str, object]] = []
        async with asyncio.timeout(40):
            while len(rows) < 3 or not all("given up" in str(row["last"]) for row in rows):
                await asyncio.sleep(0.05)
                rows = await subscribers.listing(context)
        assert all("messages do not go to" in str(row["last"]) for row in rows), rows
        assert one.got == []
    await context.close()


async def test_visitors_report_a_problem_but_not_without_end(house: House) -> None:
    codes = []
    for number in range(12):
        form = {"text": f"Pages are blank {number}"}
        async with house.client.post(house.public + "/report", data=form) as answer:
            codes.append(answer.status)
    assert (codes[:10], codes[10:]) == ([200] * 10, [400] * 2)
    (found,) = await incidents.listing(house.context)
    assert "User report" in found.title
