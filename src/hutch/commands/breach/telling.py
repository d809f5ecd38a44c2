"""After containment: whom it reached, letters to them, the authority's form, the report and what remains to be done."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hutch.commands import evidence, todo
from hutch.commands.acting import look
from hutch.commands.breach.course import listing, load, passed, stage_gate
from hutch.commands.breach.lettering import campaign
from hutch.commands.breach.remedies import close
from hutch.commands.context import CommandError, Context
from hutch.model.breach import Breach
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident
from hutch.review.breach_documents import REMEDIES, Words, open_places, report
from hutch.review.wording import one_line

REACH, LETTERS = "breach.reach", "letters.status"
ITEM_DAYS = 14
REACH_FILE = "reach.json"
LONGEST_SHOWN = 20_000_000
"""Bytes of an assessment that is read for a page."""


async def assess(
    context: Context,
    incident_id: str,
    since: datetime,
    until: datetime,
    addresses: Sequence[str],
    accounts: Sequence[str],
) -> dict[str, Any]:
    """What was reached in that time, narrowed to those addresses and accounts if any are named. Changes nothing."""
    state, _ = await load(context, incident_id)
    args = {"since": instant(since), "until": instant(until), "addresses": list(addresses), "accounts": list(accounts)}
    outcome = await look(context.service(state.service), REACH, args)
    found: dict[str, Any] = json.loads(outcome.output)
    return {**found, "narrowed": {"addresses": list(addresses), "accounts": list(accounts)}}


async def keep_assessment(context: Context, incident_id: str, found: Mapping[str, Any], actor: str) -> None:
    """Keep the assessment by its hash, and pass its gate with the figures."""
    gate = stage_gate((await load(context, incident_id))[1], "assess")
    data = json.dumps(found, indent=1).encode()
    kept, _ = await evidence.keep(context, incident_id, REACH_FILE, data, "whose data was reached", actor)
    acts = sum(person["exported"] + person["accessed"] for person in found["people"])
    figures = {
        "people": len(found["people"]), "acts": acts, "categories": found["categories"], "since": found["since"],
        "until": found["until"], "unusual": found["unusual"], "wide": found["wide"]["times"],
        "narrowed": found["narrowed"], "languages": found.get("languages", {}),
    }  # fmt: skip
    proof = (
        f"{figures['people']} people, {acts} exports and reads, from {len(found['addresses'])} addresses, "
        f"{figures['unusual']} with unusually many exports. Kept by hash: reach.json {_digest(kept)}"
    )
    await passed(context, incident_id, gate, proof, actor, figures=figures, before=[kept])


async def kept_assessment(context: Context, state: Incident) -> dict[str, Any] | None:
    """What was kept of the assessment; None where it was told by a person, was erased, or is too long for a page."""
    file = next((f for f in reversed(state.record.files) if f.name == REACH_FILE and not f.erased), None)
    if file is None or file.size > LONGEST_SHOWN:
        return None
    try:
        _, data = await evidence.content(context, state.id, file.seq)
        found: dict[str, Any] = json.loads(data)
    except (CommandError, ValueError):
        return None
    return found


# ------------------------------------------------------------------ people


async def letters(context: Context, incident_id: str) -> dict[str, Any]:
    """How the letters stand: sent, waiting, failed, and why."""
    state, _ = await load(context, incident_id)
    outcome = await look(context.service(state.service), LETTERS, {"campaign": campaign(incident_id)})
    found: dict[str, Any] = json.loads(outcome.output)
    return found


# ------------------------------------------------------------------ the report


async def finish(context: Context, incident_id: str, words: Words, actor: str) -> None:
    """Keep the report by its hash, make the remediation list action items, and pass the last gate."""
    state, found = await load(context, incident_id)
    gate = stage_gate(found, "report")
    text = report(state, found, words)
    if left := open_places(text):
        raise CommandError(f"the report still has {', '.join(left)}", 2)
    kept, _ = await evidence.keep(context, incident_id, "report.md", text.encode(), "the report", actor)
    there = {item.text for item in state.items}
    due = context.clock.now() + timedelta(days=ITEM_DAYS)
    for item in REMEDIES:
        if item not in there:
            await todo.add(context, incident_id, todo.Wanted(item, actor, due), actor)
    await close(context, incident_id, actor)
    proof = f"Kept by hash: report.md {_digest(kept)}; action items"
    await passed(context, incident_id, gate, proof, actor, before=[kept])


def _digest(kept: Draft) -> str:
    return str(kept.data["sha256"])[:12]


REGISTER = ("incident", "code_name", "service", "aware_at", "contained_at", "authority_told_at", "people_told_at",
            "people", "categories", "measures")  # fmt: skip
"""What Art. 33(5) GDPR wants on record: the facts, the effects, what was done."""


async def register(context: Context) -> list[dict[str, Any]]:
    """Every breach that may be seen, a row each."""
    return [register_row(state, found) for state, found in await listing(context)]


def register_row(state: Incident, found: Breach) -> dict[str, Any]:
    when = {
        gate: instant(found.passed[gate].at) if gate in found.passed else ""
        for gate in ("prove", "authority", "people")
    }
    categories = found.figures.get("categories")
    return {
        "incident": state.id, "code_name": found.code_name, "service": state.service,
        "aware_at": instant(found.aware_at), "contained_at": when["prove"], "authority_told_at": when["authority"],
        "people_told_at": when["people"], "people": found.figures.get("people", ""),
        "categories": ", ".join(map(str, categories)) if isinstance(categories, list) else "",
        "measures": ", ".join(found.passed),
    }  # fmt: skip


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The register as a table for people."""
    lines = [f"| {' | '.join(REGISTER)} |", f"|{' --- |' * len(REGISTER)}"]
    lines += [f"| {' | '.join(_cell(row[name]) for name in REGISTER)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    """One line that ends no cell and begins no markup."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", one_line(value))


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The register for another program. A text that a spreadsheet would take for a formula is quoted by a mark."""
    out = io.StringIO()
    writer = csv.DictWriter(out, REGISTER, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _harmless(str(row[name])) for name in REGISTER})
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
