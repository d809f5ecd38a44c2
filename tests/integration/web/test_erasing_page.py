"""Personal data is erased on a page and by the API: what would go is looked at, that goes and no more; by an admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from guarded import BROWSER, Guarded, guarded
from hutch.commands import evidence, incidents
from hutch.model.access import AccessRole
from hutch.model.event import find_break
from hutch.model.severity import Severity

PERSON = "Wilhelmina Zauberfrau"


@pytest.fixture
async def hutch(tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path, "access: {required: true}\n") as found:
        await found.account("ada", AccessRole.ADMIN)
        await found.account("ben", AccessRole.COMMANDER)
        yield found


async def incident(hutch: Guarded) -> str:
    state = await incidents.declare(
        hutch.context, title="slow", service="shop", severity=Severity.SEV3, actor="ada", respond=False
    )
    await incidents.note(hutch.context, state.id, f"{PERSON} called", "ben")
    await evidence.attach(hutch.context, state.id, "log.txt", f"… {PERSON.upper()} …".encode(), "", "ben")
    await evidence.attach(hutch.context, state.id, "shot.png", b"\x89PNG\r\n\x1a\n", "", "ben")
    return state.id


async def told(hutch: Guarded, name: str) -> str:
    events = await hutch.context.store.read(f"incident:{name}")
    assert find_break(events) is None
    return str([dict(e.data) for e in events])


async def test_an_admin_looks_and_then_erases_it(hutch: Guarded) -> None:
    name = await incident(hutch)
    ada, place = await hutch.client("ada"), f"/incidents/{name}/erasure"
    assert f'href="{place}"' in (await ada.get(f"/incidents/{name}")).text
    looked = await ada.form(place, f"{place}/preview", text=PERSON.lower())
    assert looked.status == 200 and "1 event, 1 piece of evidence" in looked.text
    assert "is no text and was not searched" in looked.text
    assert PERSON in await told(hutch, name), "looking erases nothing"
    seen = await erasable(hutch, name)
    assert seen in looked.text
    gone = await ada.form(place, place, text=PERSON, seen=seen, reason="asked under GDPR Art. 17")
    assert gone.status == 303 and gone.place.startswith(f"/incidents/{name}?said=")
    assert "Erased from 1 event, 1 piece of evidence" in (await ada.get(gone.place)).text
    after = await told(hutch, name)
    assert PERSON.lower() not in after.lower() and "asked under GDPR Art. 17" in after
    files = (await incidents.load(hutch.context, name)).record.files
    assert [f.erased for f in files] == [True, False]
    last = await ada.form(place, place, attachment=str(files[1].seq), reason="not ours")
    assert "is erased" in (await ada.get(last.place)).text
    assert all(f.erased for f in (await incidents.load(hutch.context, name)).record.files)


async def erasable(hutch: Guarded, name: str) -> str:
    """What an admin's look names, by the API."""
    answer = await (await hutch.token("ada")).ask(
        "POST", f"/api/v1/incidents/{name}/erasure/preview", json={"text": PERSON}
    )
    assert answer.status == 200, answer.text
    return str(answer.text.partition('"seen":"')[2].partition('"')[0])


async def test_what_was_not_looked_at_is_not_erased(hutch: Guarded) -> None:
    name = await incident(hutch)
    place, seen, ada = f"/incidents/{name}/erasure", await erasable(hutch, name), await hutch.client("ada")
    await incidents.note(hutch.context, name, f"{PERSON} called again", "ben")
    late = await ada.form(place, place, text=PERSON, seen=seen, reason="asked")
    assert "not what you looked at any more" in (await ada.get(late.place)).text
    assert (
        "what was looked at is missing"
        in (await ada.get((await ada.form(place, place, text=PERSON, reason="asked")).place)).text
    )
    assert (await told(hutch, name)).count(PERSON) == 2
    assert "4 characters at least" in (await ada.form(place, f"{place}/preview", text="abc")).text
    stranger = await ada.ask("POST", f"{place}/preview", BROWSER, data={"token": "x", "text": PERSON})
    assert stranger.status == 403 and "1 event" not in stranger.text


async def test_by_the_api_a_text_an_event_or_a_file(hutch: Guarded) -> None:
    name = await incident(hutch)
    ada, path = await hutch.token("ada"), f"/api/v1/incidents/{name}/erasure"
    for body, status in (
        ({"reason": "r"}, 422), ({"text": PERSON, "event": 2, "reason": "r"}, 422), ({"text": PERSON}, 422),
        ({"text": PERSON, "reason": f"for {PERSON}"}, 404), ({"text": "nobody wrote it", "reason": "r"}, 409),
    ):  # fmt: skip
        assert (await ada.ask("POST", path, json=body)).status == status, body
    assert PERSON in await told(hutch, name)
    done = await ada.ask("POST", path, json={"text": PERSON, "reason": "asked", "seen": await erasable(hutch, name)})
    assert done.status == 200 and '"files":[]' in done.text and PERSON not in await told(hutch, name)
    title = await ada.ask("POST", path, json={"event": 1, "fields": ["title"], "reason": "names a customer"})
    assert title.status == 200 and '"title":"(erased)"' in title.text
    files = (await incidents.load(hutch.context, name)).record.files
    assert (await ada.ask("POST", path, json={"attachment": files[1].seq, "reason": "r"})).status == 200


async def test_nobody_else_may(hutch: Guarded) -> None:
    name = await incident(hutch)
    ben, place = await hutch.client("ben"), f"/incidents/{name}/erasure"
    assert place not in (await ben.get(f"/incidents/{name}")).text
    assert (await ben.get(place)).status == 403
    assert (await ben.ask("POST", f"{place}/preview", BROWSER, data={"token": "x", "text": PERSON})).status == 403
    token = await hutch.token("ben")
    assert (await token.ask("POST", f"/api/v1{place}", json={"text": PERSON, "reason": "r"})).status == 403
    assert PERSON in await told(hutch, name)
