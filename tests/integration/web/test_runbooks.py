"""The runbook pages over HTTP: what they show, what they start, and what a hostile address or document gets."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from hutch.commands import runs
from hutch.web.present import leaves

HOSTILE = Path(__file__).parents[2] / "data" / "web" / "hostile.md"

SEVERAL = """# Cache

The words before. See [the other](../trouble.md#resolution), [a stranger](../secret.md), [here](#look).

## It is cold

### Look

```bash
echo $HUTCH_TRY_VALUE
curl https://cache.example/stats
```

Then [go through the trouble](../trouble.md).

### Fix

```sh {"hutch.manual":"true","name":"Call them"}
Call the team of [name]
```

```sql
DELETE FROM entries;
```

### Diagnosis

[Shop trouble](../trouble.md#trouble)

## It is full

### Diagnosis

```bash
echo [region]
```
"""


STRANGE = (
    "../secret", "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret.md", "..%5csecret", "....//secret", "secret",
    "books/../../secret", "trouble.md", "books/cache.md", "/etc/passwd", "%2fetc%2fpasswd", "trouble%00",
    "trouble%00.md", "trouble/%00", "cache/nothing", "cache/..", "cache/../x", "cache/%2e%2e", "cache/it-is-cold/x",
    "cache/%3Cscript%3E", "CACHE", "cache%20", "cache/", "%e2%80%aecache", "~", ".", "file:%2f%2f%2fetc%2fpasswd", "-",
)  # fmt: skip
"""Addresses that are no known document's."""


def write(site: Any, name: str, text: str) -> None:
    (Path(site.context.config.path).parent / "books" / name).write_text(text)


@pytest.fixture
async def shelf(opened: Any, tmp_path: Path) -> Any:
    """A server over a folder of its own, beside the file that every other test has."""
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "cache.md").write_text(SEVERAL)
    return await opened(runbooks="[trouble.md, books]")


async def listed(site: Any, query: str = "") -> Any:
    """The list, once every document is read."""
    for _ in range(40):
        page = await site.page(f"/runbooks{query}")
        if "It is being read" not in page.said:
            break
    return page


# ------------------------------------------------------------------ what is shown


async def test_the_list_shows_every_runbook_and_a_word_narrows_it(shelf: Any) -> None:
    page = await listed(shelf)
    for href in ("/runbooks/cache/it-is-cold", "/runbooks/cache/it-is-full", "/runbooks/trouble/trouble"):
        assert ("a", "href", href) in page.attributes
    assert "comes with Hutch" in page.said and "books/cache.md" in page.said
    assert "1 destroys data" in page.said and "not run yet" in page.said and "lint finding" in page.said
    found = await listed(shelf, "?q=CACHE+full")
    assert "It is full" in found.said and "It is cold" not in found.said and "Trouble" not in found.said
    assert "No runbook has these words" in (await listed(shelf, "?q=<script>")).said


async def test_a_document_that_cannot_be_read_says_where_and_why(shelf: Any) -> None:
    write(shelf, "bad.md", '# Bad\n\n## One\n\n```bash {"hutch.retries":"9"}\necho\n```\n')
    assert "bad.md:5: hutch.retries: '9' is not a number from 0 to 5" in (await listed(shelf)).said
    async with shelf.client.get(f"{shelf.address}/runbooks/bad") as answer:
        assert answer.status == 422 and "bad.md:5" in await answer.text()
    write(shelf, "bad.md", "# Bad\n\nMended\n\n## One\n\n```bash\necho\n```\n")
    assert "Mended" in (await shelf.page("/runbooks/bad")).said


async def test_a_document_leads_to_its_runbooks_and_to_known_documents_only(shelf: Any) -> None:
    page = await shelf.page("/runbooks/cache")
    hrefs = {v for t, k, v in page.attributes if (t, k) == ("a", "href")}
    assert {"/runbooks/cache/it-is-cold", "/runbooks/trouble/resolution", "/runbooks/cache/look"} <= hrefs
    assert "a stranger" in page.said and not any("secret" in h for h in hrefs)
    async with shelf.client.get(f"{shelf.address}/runbooks/cache/look", allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/runbooks/cache/it-is-cold#doc-look"


async def test_a_runbook_has_a_card_for_each_step(shelf: Any) -> None:
    page = await shelf.page("/runbooks/cache/it-is-cold")
    for said in ("host", "cache.example", "not bound", "needs a value", "a value", "DELETE without WHERE", "By hand",
                 "Call the team", "no database is configured"):  # fmt: skip
        assert said in page.said, said
    assert ("a", "href", "/runbooks/trouble/trouble") in page.attributes
    names = [v for t, k, v in page.attributes if t == "input" and k == "name"]
    assert "value.hutch-try-value" in names and "bind.cache.example" in names
    ids = [v for _, k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids)) and "doc-look" in ids
    assert [a for a in page.attributes if a[1] == "style" or a[1].startswith("on")] == []


async def test_documents_of_one_name_are_all_there(shelf: Any) -> None:
    folder = Path(shelf.context.config.path).parent / "books"
    for place in ("redis", "db"):
        (folder / place).mkdir()
        (folder / place / "cache.md").write_text(
            f"# Words\n\nIn {place}\n\n## Of {place}\n\n```bash\necho {place}\n```\n"
        )
    for place in ("redis", "db"):
        assert f"Of {place}" in (await shelf.page(f"/runbooks/{place}/cache")).said
        assert f"echo {place}" in (await shelf.page(f"/runbooks/{place}/cache/of-{place}")).said
    assert "It is cold" in (await shelf.page("/runbooks/cache")).said


# ------------------------------------------------------------------ hostile addresses and documents


async def test_an_address_is_a_known_name_or_nothing(shelf: Any) -> None:
    secret = Path(shelf.context.config.path).parent / "secret.md"
    secret.write_text("# Secret\n\n## S\n\n```bash\necho secret\n```\n")
    own = f"{secret}"
    for path in (*STRANGE, own, f"%2f{own[1:]}", "x" * 5000):
        url = f"{shelf.address}/runbooks/{path}"
        async with shelf.client.get(_as_is(url)) as answer:
            assert answer.status == 404, path
            text = await answer.text()
            assert "echo secret" not in text and "root:" not in text and "<script>" not in text


def _as_is(url: str) -> URL:
    return URL(url, encoded=True)


async def test_a_hostile_document_is_shown_as_words(shelf: Any) -> None:
    write(shelf, "hostile.md", HOSTILE.read_text())
    found = await listed(shelf, "?q=hostile")
    href = next(v for t, k, v in found.attributes if (t, k) == ("a", "href") and v.startswith("/runbooks/hostile/"))
    for path in ("/runbooks?q=hostile", "/runbooks/hostile", href, f"{href}?fragment=1"):
        page = await shelf.page(path)
        assert page.html.count("<script") == (0 if "fragment" in path else 1), path
        for bad in ("<img", "<style", "<iframe", "<base", "<meta http-equiv", "<object", "<svg o", "\u202e", "\u200b"):
            assert bad not in page.html, (path, bad)
        assert [a for a in page.attributes if a[1] == "style" or a[1].startswith("on") or a[1] == "srcdoc"] == []
        hrefs = {v for t, k, v in page.attributes if t == "a" and k == "href"}
        assert not [h for h in hrefs if not h.startswith(("/", "#", "https://evil.example", "mailto:"))]
        assert not [h for h in hrefs if h.startswith(("//", "/\\", "/etc", "/runs/R", "/me", "/static"))]
        actions = {v for _, k, v in page.attributes if k in ("action", "formaction")}
        assert all(a.startswith("/") for a in actions) and "evil" not in "".join(actions)
        ids = [v for _, k, v in page.attributes if k == "id"]
        assert len(ids) == len(set(ids)), path


# ------------------------------------------------------------------ running


async def test_a_runbook_is_started_with_what_a_person_gives(shelf: Any) -> None:
    page = await shelf.page("/runbooks/cache/it-is-full")
    form = next(f for f in page.forms if f.action.startswith("/runbooks/") and "step" not in f.fields)
    after = await shelf.send(form, actor="olivia", **{"value.region": "north; touch hurt"})
    assert "Started as R-" in after.said
    run = (await runs.listing(shelf.context))[-1]
    done = await shelf.until(run.id, lambda r: r.finished or r.waiting)
    assert done.document == "cache#it-is-full" and done.mode == "act"
    began = (await shelf.context.store.read(run.stream))[0]
    assert began.actor == "olivia"
    assert "echo 'north; touch hurt'" in (await shelf.page(f"/runs/{run.id}")).said
    assert run.id in (await listed(shelf)).html


async def test_one_step_is_started_and_nothing_else(shelf: Any) -> None:
    page = await shelf.page("/runbooks/cache/it-is-full")
    form = next(f for f in page.forms if "step" in f.fields)
    await shelf.send(form, **{"value.region": "north"})
    run = (await runs.listing(shelf.context))[-1]
    done = await shelf.until(run.id, lambda r: r.finished)
    assert done.program.asked and [i.command.text for i in done.program.items] == ["echo north"]
    assert list(done.read.values()) == ["passed"] and not done.diagnosed


async def test_a_dry_run_offers_nothing(shelf: Any) -> None:
    page = await shelf.page("/runbooks/trouble/trouble")
    form = next(f for f in page.forms if f.action.startswith("/runbooks/") and "step" not in f.fields)
    await shelf.send(form, dry="yes")
    run = (await runs.listing(shelf.context))[-1]
    assert run.mode == "dry-run"


async def test_what_changed_since_the_page_was_drawn_is_not_started(shelf: Any) -> None:
    page = await shelf.page("/runbooks/cache/it-is-full")
    form = next(f for f in page.forms if "step" in f.fields)
    write(shelf, "cache.md", SEVERAL + "\nOne more word.\n")
    after = await shelf.send(form, **{"value.region": "north"})
    assert "the document was changed since this page was drawn" in after.said
    assert await runs.listing(shelf.context) == []


async def test_a_start_that_we_did_not_draw_is_refused(shelf: Any) -> None:
    page = await shelf.page("/runbooks/cache/it-is-full")
    form = next(f for f in page.forms if "step" in f.fields)
    for fields, headers in (({"token": "guessed"}, {}), ({}, {"Origin": "https://evil.example"})):
        url = shelf.address + form.action
        async with shelf.client.post(url, data={**form.fields, **fields}, headers=headers) as answer:
            assert answer.status == 403
    assert await runs.listing(shelf.context) == []


# ------------------------------------------------------------------ large documents


async def test_a_large_document_does_not_hold_up_the_others(shelf: Any) -> None:
    steps = "".join(f"#### Part {n}\n\n```bash\necho {n}\n```\n\n{'Words. ' * 60}\n\n" for n in range(1500))
    write(shelf, "large.md", f"# Large\n\n## Everything\n\n### Diagnosis\n\n{steps}")
    worst = 0.0

    async def watched() -> None:
        nonlocal worst
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, time.monotonic() - began)

    watch = asyncio.create_task(watched())
    page = await shelf.page("/runbooks/large/everything")
    watch.cancel()
    assert worst < 1.0
    assert "Part 1 of 30" in page.said and page.html.count('class="stepcard') == leaves.MOST_STEPS
    last = await shelf.page("/runbooks/large/everything?part=30")
    assert "echo 1499" in last.said and len(page.html) < 400_000
    async with shelf.client.get(f"{shelf.address}/runbooks/large/part-1400", allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/runbooks/large/everything?part=29#doc-part-1400"
