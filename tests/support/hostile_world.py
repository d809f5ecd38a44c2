"""A Hutch in which every field that others fill in holds words that would run, were they not words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import yaml

from hutch.bootstrap.wire import open_context
from hutch.commands import (
    alerts,
    drafts,
    evidence,
    incidents,
    maintenance,
    oncall,
    pins,
    record,
    reports,
    reviews,
    silences,
    todo,
    updates,
)
from hutch.commands.breach import course, telling
from hutch.commands.breach.notices import file_notice
from hutch.commands.context import Context
from hutch.commands.respond import run_document
from hutch.model.alert import Alert
from hutch.model.breach import GATES
from hutch.model.event import instant
from hutch.model.message import Audience
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.review.breach_documents import Words

FIELDS = (
    "document", "heading", "prose", "label", "statement", "service", "title", "note", "correction", "resolution",
    "users", "reason", "reporter", "rule", "summary", "filename", "file-note", "item",
    "owner", "actor", "silence", "window", "override", "printed", "review", "draft", "update", "commander",
    "breach", "proof", "account", "event", "notice",
)  # fmt: skip
"""What pages show. Labels and notes of alerts are hostile here too; no page shows them."""

LINK = "javascript:probe()//"


def evil(field: str) -> str:
    """Short, since fields are bounded; it ends what it may stand in and begins what would run."""
    return f"""F-{field}-F'"></title></textarea><img src=x onerror=probe()><script>probe()</script>"""


CONFIG = """
mode: act
diagnose_every: 0s
runbooks: [trouble.md]
people: {anna: {channels: []}, ben: {channels: []}}
oncall:
  primary: {zone: Europe/Berlin, rotations: [{people: [anna], starts: 2026-01-05 09:00, every: 7d}]}
services:
  shop: {runbook: trouble, binds: {printf: as-is, mkdir: as-is}}
  SERVICE: {}
status_page:
  title: TITLE
  components: [{name: COMPONENT, service: shop}]
  reports: true
notify:
  address: http://127.0.0.1:9
  channels:
    users: {kind: mail, audience: customers, server: "127.0.0.1:9", security: none, sender: n@a.b, to: [a@a.b]}
"""


def document() -> str:
    printed = evil("printed").replace("'", "")
    return (
        f"# {evil('document')}\n\n## Trouble\n\n{evil('prose')} [go]({LINK}) <img src=x onerror=probe()>\n\n"
        f"### Detection\n\n```bash\nprintf '%s' '{printed}'\n```\n\n### Resolution {evil('heading')}\n\n"
        f"**Option 1: {evil('label')}**\n\n```bash\nmkdir '{evil('statement').replace(chr(39), '')}'\n```\n"
    )


async def filled(context: Context) -> None:
    """Hostile words in every field."""
    state = await incidents.declare(
        context, title=evil("title"), service="shop", severity=Severity.SEV2, actor=evil("actor"), respond=False
    )
    one = state.id
    await incidents.note(context, one, evil("note"), evil("actor"))
    await record.correct(context, one, 1, evil("correction"), evil("actor"))
    await record.affected(context, one, [], evil("users"), 0.1, evil("actor"))
    await incidents.set_severity(context, one, Severity.SEV1, evil("reason"), evil("actor"))
    await evidence.attach(context, one, evil("filename"), evil("note").encode(), evil("file-note"), evil("actor"))
    await todo.add(
        context, one, todo.Wanted(evil("item"), evil("owner"), context.clock.now() + timedelta(days=2)), evil("actor")
    )
    await reports.report(context, evil("reporter"), service="shop", who=evil("actor"))
    await silences.begin(context, [f"rule={evil('silence')}"], timedelta(hours=2), evil("reason"), evil("actor"))
    now = context.clock.now()
    await maintenance.add(context, evil("window"), "shop", now, now + timedelta(hours=1), evil("actor"), public=True)
    await oncall.override(context, "primary", "ben", now, now + timedelta(hours=1), evil("override"), evil("actor"))
    labels = {evil("label-name"): evil("label-value")}
    alert = Alert(evil("rule"), "shop", Severity.SEV3, now, evil("summary"), labels=labels, url=LINK,
                  annotations={evil("label-name"): evil("summary"), "runbook_url": LINK})  # fmt: skip
    await alerts.receive(context, [alert])
    await run_document(context, "trouble#trouble", "shop", actor=evil("actor"))
    await incidents.assign(context, one, evil("commander"), evil("actor"), Role.COMMANDER)
    noted = await incidents.note(context, one, evil("note"), evil("actor"))
    await pins.pin(context, one, f"incident:{one}#{noted.seq}", evil("actor"))
    told = await updates.preview(
        context, one, Audience.CUSTOMERS, text=f"[INVESTIGATING] {evil('update')}\n\n{evil('update')}"
    )
    await updates.send(context, told, evil("actor"))
    await drafts.save(context, one, Audience.CUSTOMERS, f"[INVESTIGATING] Slow\n\n{evil('draft')}", evil("actor"))
    ended = await incidents.declare(
        context, title=evil("title"), service="shop", severity=Severity.SEV3, actor="anna", respond=False
    )
    await incidents.resolve(context, ended.id, evil("resolution"), evil("actor"))
    text = f"# Review {evil('review')}\n\n## Impact\n- {evil('review')} [go]({LINK})\n"
    await reviews.keep(context, ended.id, text, "", evil("actor"))
    await reviews.publish(context, ended.id, None, evil("reason"), True, evil("actor"))
    await breached(context)


async def breached(context: Context) -> None:
    """A breach up to the letters, with all that its page shows; and one that has only begun."""
    state = await course.begin(context, "shop", evil("breach")[:60], None, [evil("owner")], evil("actor"))
    for gate in (g.id for g in GATES if g.stage == "contain"):
        await course.tick(context, state.id, gate, evil("proof"), evil("actor"))
    now = context.clock.now()
    since, until = instant(now - timedelta(hours=2)), instant(now)
    person = {"account": evil("account"), "exported": 9, "accessed": 1, "usual": 0.1, "own": 0.1, "usual_of_all": 0.0,
              "unusual": True, "addresses": [evil("account")], "first": since, "last": until}  # fmt: skip
    trail = {"address": evil("account"), "exported": 9, "accessed": 1, "accounts": 1, "first": since, "last": until}
    found = {
        "since": since, "until": until, "people": [person], "categories": [evil("account")], "unusual": 1,
        "addresses": [evil("account")], "wide": {"times": 1, "accounts": 1, "records": 3}, "trail": [trail],
        "suspicious": [{"event": evil("event"), "events": 3, "addresses": 1}],
        "hours": [{"hour": since, "what": evil("event"), "count": 3}], "narrowed": {"addresses": [], "accounts": []},
    }  # fmt: skip
    await telling.keep_assessment(context, state.id, found, evil("actor"))
    words = Words(evil("notice"), contact=evil("notice"))
    await file_notice(context, state.id, words, evil("notice"), evil("actor"))
    await course.begin(context, "shop", "", None, [], evil("actor"))


def opened(folder: Path, more: str = "") -> Context:
    """Its context, over files in ``folder``; :func:`filled` fills it. ``more`` are lines of the configuration."""
    config = yaml.safe_load(CONFIG + more)
    config["services"][evil("service")] = config["services"].pop("SERVICE")
    config["status_page"] |= {"title": evil("title"), "components": [{"name": evil("service"), "service": "shop"}]}
    (folder / "hutch.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "trouble.md").write_text(document())
    return open_context(folder / "hutch.yaml")
