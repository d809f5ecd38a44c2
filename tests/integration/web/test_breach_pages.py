"""The register of breaches and the room of one: who sees them, and all that follows containment, without JavaScript."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from guarded import Client, Guarded, guarded
from hutch.commands import incidents
from hutch.commands.breach import course
from hutch.model.access import AccessRole
from hutch.model.breach import GATES
from hutch.model.severity import Severity
from rolerabbit import database
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.migrate import bundled

BEFORE_PROOF = [gate.id for gate in GATES[: [g.id for g in GATES].index("prove") + 1]]
PROMISES = {
    "containment": timedelta(minutes=15),
    "assessment": timedelta(minutes=60),
    "breach notice": timedelta(hours=72),
}
NAME = "=Amber <b>kestrel</b>"


@pytest.fixture
async def hutch(tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path, "access: {required: true}\n") as found:
        for name in ("ben", "cleo", "eve"):
            await found.account(name, AccessRole.COMMANDER)
        await found.account("rob", AccessRole.RESPONDER)
        yield found


async def said(client: Client, page: str, path: str, **fields: str) -> str:
    """What the page says after the form."""
    answer = await client.form(page, path, **fields)
    assert answer.status == 303, answer.text
    return (await client.get(answer.place)).text


async def opened(client: Client) -> str:
    answer = await client.form("/breach", "/breach", service="shop", only="cleo, rob", aware="20m", name=NAME)
    return answer.place.partition("?")[0]


async def test_nobody_else_learns_of_it_by_count_or_by_number(hutch: Guarded) -> None:
    ben, cleo, eve = [await hutch.client(name) for name in ("ben", "cleo", "eve")]
    before = (await eve.get("/breach")).text.partition("<main")[2]
    place = await opened(ben)
    incident = place.rpartition("/")[2]
    for client in (ben, cleo):
        assert incident in (await client.get("/breach")).text
        assert "=Amber &lt;b&gt;kestrel" in (await client.get(place)).text
    token = 'name="token" value="'
    now = (await eve.get("/breach")).text.partition("<main")[2]
    assert [part.partition('"')[2] for part in now.split(token)][1:] == [
        part.partition('"')[2] for part in before.split(token)
    ][1:]
    for path in ("/breach/register.csv", "/breach/register.json", "/breach/register.md"):
        assert incident in (await ben.get(path)).text
        assert incident not in (await eve.get(path)).text
    unknown = (await eve.get("/breach/INC-2000-001")).text
    hidden = await eve.get(place)
    assert hidden.status == 404
    assert hidden.text.count(incident) == unknown.count("INC-2000-001")
    for path in ("/containment", "/gates/preserve", "/letters", "/report/preview"):
        assert (await eve.form("/breach", place + path, how="x")).status == 404
    [row] = csv.DictReader(io.StringIO((await ben.get("/breach/register.csv")).text))
    assert row["code_name"] == f"'{NAME}"
    assert "\\<b\\>kestrel" in (await ben.get("/breach/register.md")).text
    assert json.loads((await ben.get("/breach/register.json")).text)[0]["incident"] == incident


async def test_the_room_leads_from_the_hole_to_the_report(hutch: Guarded) -> None:
    ben, rob = await hutch.client("ben"), await hutch.client("rob")
    place = await opened(ben)
    incident = place.rpartition("/")[2]
    page = (await ben.get(place)).text
    assert all(f'id="gate-{gate.id}"' in page for gate in GATES)
    assert "containment" in page and "assessment" in page and "breach notice" in page
    assert "has no audit: block" in await said(ben, place, f"{place}/containment", days="3")
    assert "number from 1 to 3650" in await said(ben, place, f"{place}/containment", days="0")
    assert "the next gate is preserve" in await said(ben, place, f"{place}/gates/report", how="x")
    for gate in (g.id for g in GATES if g.stage == "contain"):
        assert "Passed" in await said(ben, place, f"{place}/gates/{gate}", how=f"did {gate} <script>")
    page = (await ben.get(place)).text
    assert "did prove &lt;script&gt; (told by a person)" in page
    looked = await ben.form(place, f"{place}/assessment/preview", **{"from": "2h"})
    assert (looked.status, "no target of shop answers breach.reach" in looked.text) == (200, True)
    assert 'value="2h"' in looked.text
    await said(ben, place, f"{place}/gates/assess", how="looked through the logs by hand")

    words = {"summary": "A token was stolen.", "contact": "privacy@example.com"}
    seen = await ben.form(place, f"{place}/notice/preview", **words)
    for part in ("(a) Nature", "Approximate number of data subjects", "(b) Contact", "(c) Likely", "(d) Measures"):
        assert part in seen.text
    assert "Phase: 1 (first notice)" in seen.text
    assert (await rob.form(place, f"{place}/notice", sent="x", **words)).status == 403
    assert "how it was sent is missing" in await said(ben, place, f"{place}/notice", **words)
    assert "Phase 1 is kept" in await said(ben, place, f"{place}/notice", sent="by their form, ref. 17", **words)
    assert "Phase 2 is kept" in await said(ben, place, f"{place}/notice", sent="ref. 18", consequences="Spam.", **words)
    state, found = await course.load(hutch.context, incident)
    assert [f.name for f in state.record.files] == ["authority-1.md", "authority-2.md"]
    kept = (await ben.get(f"/incidents/{incident}/evidence/{state.record.files[0].seq}")).text
    assert "Not known yet; it follows (Art. 33(4) GDPR)" in kept and "[to be said" not in kept
    assert "Kept by hash: authority-1.md" in found.passed["authority"].proof

    letter = await ben.form(place, f"{place}/letters/preview", template_de="{{ nothing }}", contact="me")
    assert "Not done: the letter&#39;s template (de)" in letter.text
    letter = await ben.form(place, f"{place}/letters/preview", template_en="Hi, {{ contact }}", contact="<i>us</i>")
    assert "Hi, &lt;i&gt;us&lt;/i&gt;" in letter.text
    for part in (
        "An wen Sie sich wenden können: &lt;i&gt;us",
        "À qui vous adresser : &lt;i&gt;us",
        "A quién dirigirse",
    ):
        assert part in letter.text
    assert "no letter in &#39;it&#39;; there are: en, de, es, fr" in await said(
        ben, place, f"{place}/letters/test", to="ben@example.com", language="it"
    )
    assert "nobody knows whom to write to" in await said(ben, place, f"{place}/letters", contact="us")
    await said(ben, place, f"{place}/gates/people", how="wrote to both")
    half = await ben.form(place, f"{place}/report/preview", summary="A token was stolen.")
    assert "[to be said: what would have shown or prevented it]" in half.text
    assert "still has" in await said(ben, place, f"{place}/report", summary="A token was stolen.")
    assert 'name="span"' in half.text
    words = {"cause": "A log.", "lessons": "Mask it.", "people": "2", "data": "mail addresses", "span": "an hour"}
    done = await said(ben, place, f"{place}/report", summary="Stolen.", **words)
    assert "Every gate was passed" in done
    assert (await incidents.load(hutch.context, incident)).items[0].text == "Patch vulnerability"
    found = (await course.load(hutch.context, incident))[1]
    assert [(n.phase, n.how, n.by) for n in found.notices] == [
        (1, "by their form, ref. 17", "ben"),
        (2, "ref. 18", "ben"),
    ]


PEOPLE = 3
SERVED = "services: {shop: {audit: {url: {env: SHOP}, operator_url: {env: SHOP}}}, bank: {}}\n"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """The service's tables, with people in them from before the breach."""
    with Postgres.temporary() as postgres:
        database.up(postgres.url, bundled())
        monkeypatch.setenv("SHOP", postgres.url)
        with psycopg.connect(postgres.url, autocommit=True) as session:
            added = (
                "insert into users (email, password_hash) select n || '@example.com', 'x' from generate_series(1, %s) n"
            )
            session.execute(added, [PEOPLE])
            yield session


async def test_new_passwords_are_offered_approved_once_and_proved(
    tmp_path: Path, shop: psycopg.Connection[Any]
) -> None:
    async with guarded(tmp_path, "access: {required: true}\n", services=SERVED) as hutch:
        for name, role in (("ben", AccessRole.COMMANDER), ("rob", AccessRole.RESPONDER), ("eve", AccessRole.COMMANDER)):
            await hutch.account(name, role)
        ben, rob, eve = [await hutch.client(name) for name in ("ben", "rob", "eve")]
        place = await opened(ben)
        assert "New passwords for everybody" not in (await ben.get(place)).text
        assert "is not contained: passwords chosen now would be lost" in await said(ben, place, f"{place}/reset")
        for gate in BEFORE_PROOF:
            assert "Passed" in await said(ben, place, f"{place}/gates/{gate}", how="by hand")
        assert (await eve.form(place, f"{place}/reset")).status == 404
        assert "Offer new passwords" in (await rob.get(place)).text
        offered = await said(rob, place, f"{place}/reset")
        run = re.search(r"New passwords for everybody are offered as (R-[\w-]+)", offered)
        assert run, offered
        waits = await until(rob, place, f"/runs/{run[1]}/approval")
        assert f"{PEOPLE} of {PEOPLE} accounts have to choose a new password" in waits
        assert "Offer new passwords" not in waits
        assert run[1] in await said(rob, place, f"{place}/reset")  # pressed again it is the same
        forced = "select count(*) from users where password_reset_required"
        assert shop.execute(forced).fetchone() == (0,)
        token = re.search(rf'action="/runs/{run[1]}/approval[^"]*".*?</form>', (await ben.get(place)).text, re.DOTALL)
        assert token
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', token[0]))
        assert (await ben.form(place, f"/runs/{run[1]}/approval", **fields)).status == 303
        await until(ben, place, f">{run[1]}</a> is over: done")
        assert shop.execute(forced).fetchone() == (PEOPLE,)
        done = await said(rob, place, f"{place}/reset")
        assert "Every account had to choose a new password" in done
        assert f"all {PEOPLE} accounts had to choose a new password" in done and "Offer new passwords" not in done
        found = (await course.load(hutch.context, place.rpartition("/")[2]))[1]
        assert (found.passed["reset"].run, found.passed["reset"].by) == (run[1], "rob")
        assert f"{len(BEFORE_PROOF)} of {len(GATES)} gates passed" in done


async def until(client: Client, place: str, what: str) -> str:
    """The page once it says that."""
    for _ in range(300):
        page = (await client.get(place)).text
        if what in page:
            return page
        await asyncio.sleep(0.1)
    raise AssertionError(page)


async def test_what_is_no_breach_and_what_cannot_be_opened_is_told(hutch: Guarded) -> None:
    ben, rob = await hutch.client("ben"), await hutch.client("rob")
    assert "--aware must be a moment" in await said(ben, "/breach", "/breach", service="shop", aware="2020-01-01")
    assert "unknown service" in (await said(ben, "/breach", "/breach", service="none"))
    place = await opened(ben)
    assert (await rob.form(place, f"{place}/letters", template_en="x")).status == 403
    assert (await rob.get(place)).status == 200
    plain = await incidents.declare(
        hutch.context, title="slow", service="shop", severity=Severity.SEV3, actor="ben", respond=False
    )
    assert "is no breach" in (await ben.get(f"/breach/{plain.id}")).text


async def test_what_an_alert_opened_becomes_a_breach_and_closes_to_others(hutch: Guarded) -> None:
    """Its promises run from when it was detected; nobody makes one of what they may not see, or twice."""
    ben, rob, eve = [await hutch.client(name) for name in ("ben", "rob", "eve")]
    found = await incidents.declare(
        hutch.context, title="many exports", service="shop", severity=Severity.SEV2, respond=False, source="alert",
        detected_at=hutch.context.clock.now() - timedelta(minutes=10),
    )  # fmt: skip
    assert f"/incidents/{found.id}" in (await eve.get("/incidents")).text
    answer = await rob.form("/breach", "/breach", service="shop", incident=found.id, only="ben", name="amber")
    assert answer.place.partition("?")[0] == f"/breach/{found.id}"
    state, breach = await course.load(hutch.context, found.id)
    assert (state.severity, state.record.private, breach.code_name) == (Severity.SEV1, True, "amber")
    assert breach.aware_at == found.detected_at
    due = {clock.name: clock.due - found.detected_at for clock in state.clocks if clock.name in PROMISES}
    assert due == PROMISES
    assert (await ben.get(f"/breach/{found.id}")).status == 200
    assert (await eve.get(f"/breach/{found.id}")).status == 404
    assert found.id not in (await eve.get("/incidents")).text
    before = len(await hutch.context.store.read(found.stream))
    assert "is a breach already" in await said(ben, "/breach", "/breach", service="shop", incident=found.id)
    for unseen in (found.id, "INC-2000-001"):
        assert f"no incident {unseen}" in await said(eve, "/breach", "/breach", service="shop", incident=unseen)
    assert len(await hutch.context.store.read(found.stream)) == before
    over = await incidents.declare(hutch.context, title="slow", service="shop", severity=Severity.SEV3, respond=False)
    await incidents.resolve(hutch.context, over.id, "gone", "ben")
    assert "is resolved; reopen it first" in await said(ben, "/breach", "/breach", service="shop", incident=over.id)
