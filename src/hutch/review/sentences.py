"""One sentence for each kind of event, as somebody would tell it. Text, not Markdown: writers of Markdown escape it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hutch.model.event import Event
from hutch.review.archive_sentences import SENTENCES as ARCHIVES
from hutch.review.breach_sentences import SENTENCES as BREACH
from hutch.review.message_sentences import SENTENCES as MESSAGES
from hutch.review.reading import Told, many, number, part, parts, text
from hutch.review.record_sentences import SENTENCES as RECORD
from hutch.review.wording import length, one_line

Sentence = Callable[[Told], str]

CLOCKS = {"response": "first response", "update": "update", "review": "post-incident review", "todo": "action item"}
"""What each clock promises."""


def thing(data: Mapping[str, object]) -> str:
    """``release 43``: an object as people name it."""
    return " ".join(p for p in (text(data, "kind"), text(data, "id")) if p)


def promise(clock: str) -> str:
    """``update-2`` in words: "update 2"; the number is left out where there is one only, or none yet."""
    name, dash, count = clock.rpartition("-") if "-" in clock else (clock, "", "")
    words = CLOCKS.get(name, clock)
    return f"{words} {count}" if name == "update" and dash else words


def counted(count: int, noun: str) -> str:
    """``1 read``, ``12 reads``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _because(told: Told, key: str = "reason") -> str:
    return f": {told[key]}" if told[key] else ""


def _taking(told: Told) -> str:
    seconds = told.seconds()
    return "" if seconds is None else f" in {length(seconds)}"


def _declared(told: Told) -> str:
    by = "" if told.event.actor == "hutch" else f" by {one_line(told.event.actor)}"
    return f"Incident declared ({told.get('severity', 'no severity')}){by}: {told.get('title', 'untitled')}"


def _fired(told: Told) -> str:
    value = number(told.event.data, "value")
    figure = "" if value is None else f" at {value:g}{told['unit']}"
    return f"Alert {told.get('rule', 'without a name')} fired{figure}{told.summary}"


def _storm(told: Told) -> str:
    joined, ended = (int(number(told.event.data, key) or 0) for key in ("joined", "ended"))
    news = [f"{counted(joined, 'more alert')} joined"] if joined else []
    news += [f"{counted(ended, 'alert')} of the storm ended"] if ended else []
    return f"{'; '.join(news) or 'Alerts counted'}, {told.get('total', 'many')} in all"


def _which(told: Told) -> str:
    names = [text(choice, "runbook") for choice in parts(told.event.data, "choices")]
    if not names:
        return "No configured runbook fits: a person has to name one"
    return f"Several runbooks fit, a person has to choose: {', '.join(names)}"


def _met(told: Told) -> str:
    late = told.seconds("late_by") or 0.0
    return f"Promise kept: {promise(told['clock'])}" if late <= 0 else f"{_late(told)} by {length(late)}"


def _late(told: Told) -> str:
    return f"Promise met late: {promise(told['clock'])}"


def _cause(data: Mapping[str, object]) -> str:
    about = thing(part(data, "object"))
    sure = number(data, "confidence")
    percent = "" if sure is None else f", {sure:.0%} sure"
    named = text(data, "code", "unknown cause")
    return f"{text(data, 'summary', named)} ({', '.join(p for p in (named, about) if p)}{percent})"


def _diagnosed(told: Told) -> str:
    causes = parts(told.event.data, "causes")
    if causes:
        more = f"; {counted(len(causes) - 1, 'other cause')} behind it" if len(causes) > 1 else ""
        return f"Diagnosis{_taking(told)}: {_cause(causes[0])}{more}"
    if told.event.data.get("healthy") is True:
        return f"Diagnosis{_taking(told)}: healthy"
    return f"Diagnosis{_taking(told)}: no cause found, and health could not be established"


def _ranked(told: Told) -> str:
    options = parts(told.event.data, "options")
    titles = [f"{place}. {text(o, 'title', text(o, 'id'))}" for place, o in enumerate(options, start=1)]
    return f"Remedies in order: {'; '.join(titles)}" if titles else "No remedy fits"


def _asked(told: Told) -> str:
    preview = part(told.event.data, "preview")
    what = f": {text(preview, 'summary')}" if text(preview, "summary") else ""
    refused = f"; refused: {text(preview, 'refused')}" if text(preview, "refused") else ""
    return f"Approval asked for {told.option}{what}{refused}"


def _finished(told: Told) -> str:
    return f"{told.get('title', 'A read')} {told.get('status', 'ended')}{_taking(told)}{told.summary}"


def _readied(told: Told) -> str:
    item = part(told.event.data, "item")
    refused = text(item, "refused")
    return f"{text(item, 'title', 'A statement')} {f'cannot run: {refused}' if refused else 'has its captured values'}"


def _ticked(told: Told) -> str:
    did = "did" if told.event.data.get("done") is True else "could not do"
    note = f" ({told['note']})" if told["note"] else ""
    return f"{one_line(told.event.actor)} {did} {told.get('title', 'a step')}{note}"


def _checked(told: Told) -> str:
    on = f" on {told['target']}" if told["target"] else ""
    return f"Check {told.get('name', 'without a name')}{on}: {told.get('status', 'unknown')}{told.summary}"


def _applied(told: Told) -> str:
    undo = "; it can be undone" if part(told.event.data, "undo") else ""
    return f"Applied {told.option}{_taking(told)}{told.summary}{undo}"


def _verified(told: Told) -> str:
    words = {
        "passed": f"{told.option} worked",
        "failed": f"{told.option} did not work",
        "pending": f"{told.option} cannot be judged yet",
        "unknown": f"whether {told.option} worked could not be told",
    }
    return f"Verification: {words.get(told['verdict'], told.option)}{told.summary}"


def _decided(told: Told) -> str:
    note = f" ({told['note']})" if told["note"] else ""
    return f"{one_line(told.event.actor)} decided about {told.option}: {told.get('choice', 'no choice')}{note}"


def _update(told: Told) -> str:
    to = f" for {told['audience']}" if told["audience"] else ""
    return f"Update posted{to}: {told.get('state', 'update')}"


def _drafted(told: Told) -> str:
    did = "drafted" if told["text"] else "discarded the draft of"
    return f"{one_line(told.event.actor)} {did} an update for {told.get('audience', 'somebody')}"


def _linked(told: Told) -> str:
    return f"Run {told.get('run', '')} was started for this incident"


def _by(words: str) -> Sentence:
    return lambda t: f"{words} {t.option} by {one_line(t.event.actor)}{_because(t)}"


def _item(told: Told) -> str:
    return f"{told.get('text', '(nothing)')} ({told.get('owner', 'nobody')}, by {told.at('due')})"


SENTENCES: Mapping[str, Sentence] = {
    "incident.declared": _declared,
    "incident.acknowledged": lambda t: f"Acknowledged by {one_line(t.event.actor)}",
    "incident.resolved": lambda t: f"Resolved by {t.get('by', one_line(t.event.actor))}{_because(t, 'resolution')}",
    "incident.reopened": lambda t: f"Reopened by {one_line(t.event.actor)}{_because(t)}",
    "alert.fired": _fired,
    "alert.resolved": lambda t: f"Alert {t.get('rule', 'without a name')} is over",
    "alerts.counted": _storm,
    "alert.flapping": lambda t: f"Alert {t.get('rule', 'without a name')} comes and goes{_because(t)}",
    "resolution.proposed": lambda t: f"Resolution proposed{_because(t)}",
    "resolution.withdrawn": lambda t: f"Resolution no longer proposed{_because(t)}",
    "runbook.asked": _which,
    "runbook.chosen": lambda t: f"Runbook {t.get('runbook', 'unknown')} answers this incident{_because(t)}",
    "phase.changed": lambda t: f"Phase: {t.get('to', 'unknown')}{_because(t)}",
    "run.linked": _linked,
    "cause.named": lambda t: f"Cause identified: {_cause(t.event.data)}",
    "severity.changed": lambda t: f"Severity is now {t.get('to', 'unknown')}{_because(t)}",
    **RECORD,
    **ARCHIVES,
    "note.added": lambda t: f"{one_line(t.event.actor)} noted: {t.get('text', '(nothing)')}",
    "item.added": lambda t: f"Action item {t['number']}: {_item(t)}",
    "item.changed": lambda t: f"Action item {t['number']} is now: {_item(t)}",
    "item.done": lambda t: f"Action item {t['number']} is done{_because(t, 'note')}",
    "item.dropped": lambda t: f"Action item {t['number']} was dropped{_because(t, 'note')}",
    "event.pinned": lambda t: f"{one_line(t.event.actor)} pinned an event ({t['ref']})",
    "event.unpinned": lambda t: f"{one_line(t.event.actor)} took the pin off an event ({t['ref']})",
    "update.drafted": _drafted,
    "update.posted": _update,
    **MESSAGES,
    **BREACH,
    "review.drafted": lambda t: f"Post-incident review drafted{_because(t, 'path')}",
    "review.published": lambda t: f"Post-incident review published by {one_line(t.event.actor)}{_because(t)}",
    "watch.started": lambda t: f"Watching for a regression until {t.at('until')}",
    "watch.passed": lambda _: "The regression watch ended: it did not come back",
    "clock.started": lambda t: f"Promised: {promise(t['clock'])} by {t.at('due')}",
    "clock.warned": lambda t: f"Due soon: {promise(t['clock'])} by {t.at('due')}",
    "clock.overdue": lambda t: f"Overdue: {promise(t['clock'])} was due at {t.at('due')}",
    "clock.met": _met,
    "clock.cancelled": lambda t: f"No longer owed: {promise(t['clock'])}{_because(t, 'why')}",
    "run.started": lambda t: f"Runbook started: {t.get('title', 'untitled')}",
    "run.cancelled": lambda t: f"Run cancelled by {one_line(t.event.actor)}{_because(t)}",
    "run.finished": lambda t: f"Run ended {t.get('outcome', 'without an outcome')}{t.summary}",
    "document.changed": lambda t: f"The runbook document changed while it ran{_because(t, 'what')}",
    "statement.output": lambda t: f"{t.get('item', 'a step')} says: {str(t.get('text', '')).strip()[-200:]}",
    "statement.started": lambda t: f"{t.get('title', 'A read')} started",
    "statement.finished": _finished,
    "statement.skipped": lambda t: f"{t.get('title', 'A statement')} did not run{t.summary}",
    "statement.readied": _readied,
    "step.ticked": _ticked,
    "check.finished": _checked,
    "diagnosis.made": _diagnosed,
    "options.ranked": _ranked,
    "approval.requested": _asked,
    "approval.granted": _by("Approved:"),
    "approval.denied": _by("Denied:"),
    "approval.expired": lambda t: f"Nobody approved {t.option} in time",
    "approval.withdrawn": lambda t: f"The approval of {t.option} was withdrawn{_because(t)}",
    "change.intended": lambda t: f"About to apply {t.option}",
    "change.done": _applied,
    "change.skipped": lambda t: f"A statement of {t.option} was left out{t.summary}",
    "undo.started": lambda t: (
        f"{one_line(t.event.actor)} asked for the way back from {t.option}: run {t.get('run', '?')}"
    ),
    "change.failed": lambda t: f"{t.option} failed{t.summary}",
    "change.unknown": lambda t: f"Whether {t.option} was applied is unknown{t.summary}",
    "verification.done": _verified,
    "decision.needed": lambda t: f"A person has to decide about {t.option}{_because(t, 'question')}",
    "decision.made": _decided,
}
"""A sentence for every kind that an incident's stream or a run's journal may hold."""


def sentence(told: Told) -> str:
    """The event in words; a kind that this version does not know is named as it is, erased data is said."""
    if told.event.data.get("erased") is True:
        return f"{told.event.kind}: its data was erased"
    known = SENTENCES.get(told.event.kind)
    return known(told) if known else f"{told.event.kind}{told.summary}"


def reads_in_one(events: tuple[Event, ...], started: Event | None) -> str:
    """Many reads, or many checks, as one sentence: ``12 reads ran in parallel in 0.4 s, 11 passed; …``.

    Parallel is said only where their own times add up to more than the time that passed.
    """
    noun, good = ("read", "passed") if events[0].kind == "statement.finished" else ("check", "ok")
    spent = sum(number(e.data, "seconds") or 0.0 for e in events)
    first = started.at if started else events[0].at
    passed = max((events[-1].at - first).total_seconds(), max((number(e.data, "seconds") or 0.0) for e in events))
    how = " in parallel" if spent > passed * 1.05 else ""
    fine = sum(1 for e in events if e.data.get("status") == good)
    others = [_other(e) for e in events if e.data.get("status") != good]
    rest = f"; {'; '.join(others[:5])}{' …' if len(others) > 5 else ''}" if others else ""
    return f"{counted(len(events), noun)} ran{how} in {length(passed)}, {fine} {good}{rest}"


def _other(event: Event) -> str:
    name = text(event.data, "title", text(event.data, "name", "one"))
    return f"{name}: {text(event.data, 'status', 'unknown')}"


def evidence(data: Mapping[str, object]) -> tuple[str, ...]:
    """The evidence that an event carries, a line each."""
    return tuple(one_line(e) for e in many(data, "evidence"))
