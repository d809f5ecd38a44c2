"""The report of a rehearsal: every statement of the document, counted from the parser. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hutch.model.runbook import Document, Runbook, Section, Statement, Step
from rehearsal.account import DONE, NOT_PLAYED, PASSED, RANK, Told, best
from rehearsal.play import Played
from rehearsal.script import Script

VERSION = 1
NEVER = Told(NOT_PLAYED, "no scene came to it")
"""Of a statement that no scene speaks of: said, and never left out."""

STAGE = re.compile(r"[\w/.-]*/hutch-rehearsal-\w+")
PORT = re.compile(r"(127\.0\.0\.1):\d+")


def document_json(
    name: str, document: Document, script: Script, played: Mapping[str, Sequence[Played]]
) -> dict[str, Any]:
    """The whole report of one document; keys are stable."""
    chapters = [_chapter(runbook, script, played.get(runbook.id, ())) for runbook in document.runbooks]
    rows = [row for chapter in chapters for row in chapter["statements"]]
    return {
        "document": name,
        "title": document.title,
        "hash": document.hash,
        "statements": len(rows),
        "became": counted(rows),
        "read_only_blocks": sum(len(chapter["blocks"]) for chapter in chapters),
        "chapters": chapters,
    }


def counted(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many statements became what, the best first."""
    found = Counter(row["became"] for row in rows)
    return {status: found[status] for status in RANK if found[status]}


def joined(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """``new`` with what ``old`` has of the chapters that were not played anew; nothing of a changed document."""
    before = {d["document"]: d for d in old["documents"]}
    documents = [_joined(d, before.get(d["document"], d)) for d in new["documents"]]
    became = counted(row for d in documents for c in d["chapters"] for row in c["statements"])
    return {**new, "became": became, "documents": documents}


def _joined(new: Mapping[str, Any], old: Mapping[str, Any]) -> Mapping[str, Any]:
    if new["hash"] != old["hash"]:
        return new
    before = {c["id"]: c for c in old["chapters"]}
    chapters = [c if c["scenes"] else before[c["id"]] for c in new["chapters"]]
    return {**new, "chapters": chapters, "became": counted(r for c in chapters for r in c["statements"])}


def _chapter(runbook: Runbook, script: Script, played: Sequence[Played]) -> dict[str, Any]:
    steps = list(runbook.steps())
    return {
        "id": runbook.id,
        "title": runbook.title,
        "line": runbook.line,
        "scenes": [_scene(one) for one in played],
        "statements": [_row(*found, script, played) for found in _statements(steps)],
        "blocks": [_block(section, step) for section, step in steps if not step.statements],
    }


def _statements(steps: Iterable[tuple[Section, Step]]) -> Iterable[tuple[Section, Statement]]:
    return ((section, one) for section, step in steps for one in step.statements)


def _scene(one: Played) -> dict[str, Any]:
    return {
        "platform": one.scene.platform,
        "fault": one.scene.fault,
        "cause": one.cause,
        "outcome": one.outcome,
        "summary": plain(one.summary),
        "approved": one.approved,
        "remedied": one.remedied,
        "trouble": one.trouble,
    }


def _row(section: Section, one: Statement, script: Script, played: Sequence[Played]) -> dict[str, Any]:
    tried = [(p.scene, p.by_id[one.id]) for p in played if one.id in p.by_id]
    kept = best([told for _, told in tried]) if tried else NEVER
    return {
        "line": one.line,
        "section": section.title,
        "text": one.text,
        "effect": one.verdict.effect.word if one.verdict else "",
        "expected": [e.text for e in one.expects],
        "became": kept.status,
        "why": script.why.get(one.line, "") if kept.status not in (DONE, PASSED) else "",
        "tried": [
            {"platform": scene.platform, "fault": scene.fault, "became": told.status, "seen": plain(told.seen),
             "ran_as": plain(told.ran_as), "person": told.by, "asked_alone": told.asked}
            for scene, told in tried
        ],
    }  # fmt: skip


def _block(section: Section, step: Step) -> dict[str, Any]:
    return {"line": step.line, "section": section.title, "language": step.lang or "text", "role": section.role.value}


def plain(text: str) -> str:
    """Without what differs from one rehearsal to the next: the ports that happened to be free, the stage's folder."""
    return STAGE.sub("STAGE", PORT.sub(r"\1", text))


# ------------------------------------------------------------------ as Markdown


def markdown(report: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [f"# {report['title']}", "", *_preface(report), ""]
    for document in report["documents"]:
        lines += _document(document, alone=len(report["documents"]) == 1)
    return "\n".join(lines).rstrip() + "\n"


def _preface(report: Mapping[str, Any]) -> list[str]:
    return [
        f"Made on {report['made_on']} by `{report['command']}` on the local stack: RoleRabbit under load, an",
        "embedded Postgres and Valkey, and the local platform by the API that is named. Each scene has a stage",
        "of its own. Hutch ran the chapter; an impersonated person approved the first remedy that was offered and",
        "ticked off what is done by hand; what that run left alone was then asked for, statement by statement.",
        "",
        f"**{report['statements']} statements** in {len(report['documents'])} document(s): {_words(report['became'])}.",
        "",
        "| became | what it means |",
        "| --- | --- |",
        "| done | a change, approved by the person, carried out |",
        "| passed | a read that saw what was expected, or anything where nothing is said of it |",
        "| by hand | a person does it, and ticked it off |",
        "| failed | it ran, and its target refused it, or what was expected was not seen |",
        "| not needed | its own condition did not hold |",
        "| not offered | the action's preview said that it is not to be done now, or would hit nothing |",
        "| refused | it did not run: a name without a binding, a value that nobody gave, or what must never run so |",
        "| not played | the rehearsal did not come to it |",
    ]


def _words(became: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in became.items()) or "none"


def _document(document: Mapping[str, Any], *, alone: bool) -> list[str]:
    lines = [] if alone else [f"## {document['document']}", ""]
    mark = "##" if alone else "###"
    lines += ["| chapter | statements | became | blocks that are read, not run |", "| --- | --- | --- | --- |"]
    for chapter in document["chapters"]:
        rows = chapter["statements"]
        lines.append(f"| {chapter['title']} | {len(rows)} | {_words(counted(rows))} | {len(chapter['blocks'])} |")
    for chapter in document["chapters"]:
        if chapter["statements"] or chapter["blocks"]:
            lines += ["", f"{mark} {chapter['title']}", "", *_scenes(chapter), *_rows(chapter), *_blocks(chapter)]
    return [*lines, ""]


def _scenes(chapter: Mapping[str, Any]) -> list[str]:
    if not chapter["scenes"]:
        return []
    head = "| platform | fault | cause named | the chapter's own run | the person approved | fault gone |"
    return [head, "| --- | --- | --- | --- | --- | --- |", *(_scene_row(s) for s in chapter["scenes"]), ""]


def _scene_row(scene: Mapping[str, Any]) -> str:
    gone = {True: "yes", False: "no", None: "–"}[scene["remedied"]] if scene["fault"] else "–"
    approved = "; ".join(_cell(a, 120) for a in scene["approved"]) or "nothing"
    outcome = scene["trouble"] or scene["outcome"]
    cells = (scene["platform"], scene["fault"] or "none", scene["cause"] or "none", _cell(outcome, 160), approved, gone)
    return f"| {' | '.join(cells)} |"


def _rows(chapter: Mapping[str, Any]) -> list[str]:
    if not chapter["statements"]:
        return []
    head = "| line | statement | effect | became | where | expected | seen | person |"
    return [
        head,
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_statement(r) for r in chapter["statements"]),
        "",
    ]


def _statement(row: Mapping[str, Any]) -> str:
    same = [t for t in row["tried"] if t["became"] == row["became"]]
    first: Mapping[str, Any] = same[0] if same else {"seen": NEVER.seen, "person": ""}
    seen = f"{row['why']}: {first['seen']}" if row["why"] else first["seen"]
    where = ", ".join(dict.fromkeys(t["platform"] for t in same))
    cells = (
        str(row["line"]), f"`{_cell(row['text'], 70)}`", row["effect"], row["became"], where,
        _cell("; ".join(row["expected"]), 60), _cell(seen, 200), first["person"],
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _blocks(chapter: Mapping[str, Any]) -> list[str]:
    told = [f"{b['language']} at line {b['line']} ({b['section']}, {b['role']})" for b in chapter["blocks"]]
    return [f"Read, not run: {'; '.join(told)}.", ""] if told else []


def _cell(text: str, most: int) -> str:
    flat = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return flat if len(flat) <= most else f"{flat[:most]}…"
