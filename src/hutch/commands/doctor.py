"""``hutch doctor``: is everything there that Hutch needs, before it is needed? Looks at much, changes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from hutch.commands import oncall
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.diagnose import look
from hutch.commands.documents import base_of, bundled, load_document, names
from hutch.commands.freeze import frozen
from hutch.commands.rights import Asked, asked
from hutch.commands.sources import TIMEOUT, Sources
from hutch.commands.unbound import Name, names_of
from hutch.commands.watchers import watchers
from hutch.detection.catalogue import catalogue
from hutch.detection.history import History
from hutch.detection.signals import measure_all
from hutch.model.action import Result
from hutch.model.config import Config
from hutch.model.finding import Finding, Status
from hutch.model.message import Channel
from hutch.model.runbook import Document
from hutch.model.severity import Severity
from hutch.ports import Provider, Secrets

LITTLE_ROOM = 256 * 1024 * 1024
"""Bytes free under the store below which it is said."""

BETWEEN_SCRAPES = 1.5
"""Seconds between the two looks that a rate needs."""

REACHABLE = ".reachable"
"""How the checks end that ask whether a target is there at all."""

READS_ONLY = "reader_is_read_only"
"""How the checks end that prove that a reading login cannot write."""


class State(StrEnum):
    """How a point stands. ``WARN`` works and should be looked at; ``FAIL`` will not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at: where, what was seen, and what to do about it."""

    area: str
    what: str
    state: State
    said: str
    todo: str = ""
    name: Name | None = None

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        told: dict[str, object] = {
            "area": self.area,
            "what": self.what,
            "status": self.state,
            "said": self.said,
            "todo": self.todo,
        }
        return told if self.name is None else {**told, **asdict(self.name)}


Look = Callable[[Context], Awaitable[list[Point]]]


async def examine(context: Context) -> list[Point]:
    """Every point of a wired context, in the order in which one mends them. Secrets are masked."""
    found = [await part(context) for part in PARTS]
    mask = context.secrets.mask
    return [replace(p, said=mask(p.said), todo=mask(p.todo)) for points in found for p in points]


def missing_secrets(
    config: Config, providers: Mapping[str, Provider], secrets: Secrets, others: Iterable[tuple[str, str]] = ()
) -> list[Point]:
    """Every secret that the configuration names and that cannot be had: asked before anything is wired.

    ``others`` are those that belong to no service: where in the file, and the reference.
    """
    found = []
    for where, reference in (*others, *_secrets_of(config, providers)):
        try:
            secrets.resolve(reference)
        except LookupError as error:
            found.append(Point("secrets", where, State.FAIL, str(error.args[0]), "set it, or name another"))
    return found


def _secrets_of(config: Config, providers: Mapping[str, Provider]) -> Iterable[tuple[str, str]]:
    """Each secret of the services: where in the file, and its reference."""
    for service in config.services.values():
        for provider, settings in service.targets.items():
            for key, reference in _references(providers[provider], settings):
                yield f"services.{service.name}.{provider}.{key}", reference
        yield from ((f"services.{service.name}.secrets.{name}", s.reference) for name, s in service.secrets.items())


def _references(provider: Provider, settings: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Each secret of a target and where it is kept."""
    for setting in provider.settings:
        value = settings.get(setting.name)
        if setting.kind == "secret" and isinstance(value, str) and value:
            yield setting.name, value
        if setting.kind == "secrets" and isinstance(value, Mapping):
            yield from ((f"{setting.name}.{name}", str(place)) for name, place in value.items())


# ------------------------------------------------------------------ the parts


async def _configuration(context: Context) -> list[Point]:
    config = context.config
    services = f"{len(config.services)} service{'s' if len(config.services) != 1 else ''}: {', '.join(config.services)}"
    mode = {
        "observe": "observe: Hutch diagnoses and proposes, and applies nothing",
        "act": "act: what a person approves is applied",
    }
    points = [
        Point("configuration", "file", State.OK, f"{config.path}: {services}"),
        Point("configuration", "mode", State.OK, mode[config.mode]),
    ]
    reason = await frozen(context)
    if reason:
        points.append(Point("configuration", "freeze", State.WARN, f"changes are frozen: {reason}", "hutch thaw"))
    return points


async def _store(context: Context) -> list[Point]:
    home = context.home
    if not os.access(home, os.W_OK):
        return [Point("store", str(home), State.FAIL, "this user cannot write there", "make it writable")]
    streams = await context.store.streams()
    points = [Point("store", str(home), State.OK, f"{len(streams)} streams of events")]
    free = shutil.disk_usage(home).free
    if free < LITTLE_ROOM:
        left = f"{free // 1024 // 1024} MB are free"
        points.append(Point("store", "room", State.WARN, left, "a full disk stops every new event: free some space"))
    return [*points, *await _watchers(context)]


async def _watchers(context: Context) -> list[Point]:
    """Who watches what, where anybody lives on this store."""
    found, alone = await watchers(context)
    points = [
        Point("store", w.name, State.OK, f"watches {', '.join(w.services) or 'nothing: it stands by'}") for w in found
    ]
    if alone:
        said = f"nobody watches {', '.join(alone)}"
        points.append(Point("store", "watching", State.WARN, said, "see in a few seconds, or start `hutch serve` anew"))
    return points


async def _targets(context: Context) -> list[Point]:
    found = await asyncio.gather(*(_service(context, s) for s in context.services.values()))
    return [point for points in found for point in points]


async def _service(context: Context, service: Service) -> list[Point]:
    own = [n for n in service.connections if n != "shell"]
    if not own:
        said = "no target is configured: nothing can be watched or diagnosed"
        return [Point(service.name, "targets", State.WARN, said, f"add http, postgres … to services.{service.name}")]
    findings = await look(context, service)
    lost = {f.target: f for f in findings if f.check.endswith(REACHABLE) and f.status is not Status.OK}
    guides = {name: known.guide for name, known in context.providers.items() if known.guide}
    points = [_unreachable(service.name, f, findings, guides) for f in lost.values()]
    points += [_judged(service.name, f, guides) for f in findings if f.target not in lost]
    points += _platforms(service.name, await asked(service, context.clock.now()), guides)
    return [*points, *_changes(context, service)]


def _unreachable(service: str, lost: Finding, findings: list[Finding], guides: Mapping[str, str]) -> Point:
    """A target that is not there is one point, not one for each of its checks."""
    others = sum(1 for f in findings if f.target == lost.target) - 1
    said = f"{lost.reason or lost.summary}" + (f" ({others} more checks wait for it)" if others else "")
    todo = f"check its address and its login; {_needs(lost.check.partition('.')[0], guides)}"
    return Point(service, lost.check, State.FAIL, said, todo)


def _judged(service: str, finding: Finding, guides: Mapping[str, str]) -> Point:
    said = finding.reason or finding.summary
    proof = finding.check.endswith(READS_ONLY)
    if finding.status is Status.OK:
        return Point(service, finding.check, State.OK, said)
    if finding.status is Status.UNKNOWN:
        state = State.FAIL if finding.matters else State.WARN
        return Point(service, finding.check, state, said, _needs(finding.check.partition(".")[0], guides))
    if proof:
        return Point(service, finding.check, State.FAIL, said, "give Hutch a login that can only read")
    return Point(service, finding.check, State.WARN, said, f"hutch diagnose --service {service}")


def _needs(provider: str, guides: Mapping[str, str]) -> str:
    """Where it stands what a look of this provider needs."""
    page = f"docs/guide/{guides[provider]}.md" if provider in guides else "docs/reference/configuration.md"
    return f"see what it needs: {page}"


def _platforms(service: str, found: list[Asked], guides: Mapping[str, str]) -> list[Point]:
    """A point for each verb that a platform does not answer, one for a platform that answers all."""
    points = []
    for one in (one for one in found if one.error):
        right = f"give Hutch's key or token that right; {_needs(one.provider, guides)}"
        todo = "check its address, and that it may be reached from here" if one.recoverable else right
        points.append(Point(service, f"{one.provider} {one.verb}", State.FAIL, one.error, todo))
    for provider in dict.fromkeys(one.provider for one in found):
        verbs = [one.verb for one in found if one.provider == provider]
        if not any(one.error for one in found if one.provider == provider):
            points.append(Point(service, f"{provider} platform", State.OK, f"answers {', '.join(verbs)}"))
    return points


def _changes(context: Context, service: Service) -> list[Point]:
    able = sorted({name for c in service.connections.values() for name in c.actions})
    if able:
        return [Point(service.name, "remedies", State.OK, ", ".join(able))]
    state = State.WARN if context.config.mode == "act" else State.OK
    return [Point(service.name, "remedies", state, "no typed action is available: only what documents hold")]


async def _signals(context: Context) -> list[Point]:
    """Rules whose signal nobody gives would stay silent for ever."""
    if not context.config.rules:
        return [Point("alerts", "rules", State.WARN, "no alert rule: only the diagnosis watches", "add some to alerts")]
    found = []
    for service in context.services.values():
        seen = await _measured(context, service)
        mine = [r for r in context.config.rules if r.meant_for(service.name) and r.condition.signal in seen]
        blind = [r for r in mine if seen.get(r.condition.signal) is None]
        for rule in blind:
            said = f"{service.name} gives no {rule.condition.signal} now: “{rule.name}” cannot be judged"
            todo = "configure a source (http.metrics, local …) or some traffic"
            found.append(Point("alerts", rule.name, State.WARN, said, todo))
        if not blind:
            said = f"{len(mine)} rules, each with data from {service.name}"
            found.append(Point("alerts", "rules", State.OK, said))
    return found


async def _measured(context: Context, service: Service) -> Mapping[str, float | None]:
    history, specs = History(), catalogue(context.config.signals, service.name)
    sources = Sources(context, service, history)
    several = any(c.scrape for c in service.connections.values())
    for pause in (BETWEEN_SCRAPES if several else 0.0, 0.0):
        await sources.look(TIMEOUT)
        await asyncio.sleep(pause)
    await sources.close()
    return measure_all(history, context.clock.now(), context.config.time_scale, specs)


async def _runbooks(context: Context) -> list[Point]:
    """The documents that are configured, and what of them is not bound. A large one takes its time."""
    read = await asyncio.to_thread(_documents, context)
    points = [point for point, _ in read]
    points += [_opened(context, s) for s in context.services.values()]
    documents = [document for _, document in read if document]
    for service in context.services.values():
        found = await asyncio.to_thread(names_of, documents, service)
        points += [*(_unbound(service.name, n) for n in found), *([_bound(service, found)] if documents else [])]
    return points


def _documents(context: Context) -> list[tuple[Point, Document | None]]:
    """The team's own documents; those that come with Hutch name nothing of the outside."""
    shipped = set(bundled().values())
    own = [p for p in names(context.config.runbooks, base_of(context)).values() if p not in shipped]
    return [_document(str(path)) for path in own]


def _document(path: str) -> tuple[Point, Document | None]:
    try:
        document = load_document(path)
    except CommandError as error:
        return Point("runbooks", path, State.FAIL, str(error), "mend the document"), None
    said = f"{len(document.runbooks)} runbook{'' if len(document.runbooks) == 1 else 's'}"
    return Point("runbooks", path, State.OK, said), document


def _unbound(service: str, one: Name) -> Point:
    what, here = f"{one.kind} {one.name}", "" if one.installed else "not installed here"
    if one.bound:
        said, todo = f"is to run, and is {here}", "install it, or bind it to something else"
    elif not one.stands:
        said = "is not bound: it stands for a target (postgres, redis) that this service has not"
        todo = f"configure that target in services.{service}"
    else:
        said, todo = "is not bound" + (f", and {here}" if here else ""), "bind it: see the lines for hutch.yaml below"
    return Point(f"bindings of {service}", what, State.WARN, said, todo, one)


def _bound(service: Service, found: list[Name]) -> Point:
    area = f"bindings of {service.name}"
    lines = {place for one in found for place in one.places}
    if not found:
        return Point(area, "all", State.OK, "every host, program and other name of the runbooks is bound")
    counts = Counter(one.kind for one in found if not one.bound)
    told = ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items()) or "no name"
    said = f"{told} not bound, in {len(lines)} statements"
    absent = sum(not one.installed for one in found)
    said += f"; {absent} program{'' if absent == 1 else 's'} not installed here" if absent else ""
    return Point(area, "all", State.WARN, said, "statements that name them do not run")


def _opened(context: Context, service: Service) -> Point:
    """The runbook that alerts open must exist."""
    reference = service.config.runbook
    if not reference:
        todo = f"name one: services.{service.name}.runbook"
        return Point("runbooks", service.name, State.WARN, "no runbook answers its alerts", todo)
    try:
        load_document(reference.partition("#")[0], context.config.runbooks, base_of(context))
    except CommandError as error:
        return Point("runbooks", service.name, State.FAIL, str(error), f"mend services.{service.name}.runbook")
    return Point("runbooks", service.name, State.OK, f"alerts open {reference}")


async def _on_call(context: Context) -> list[Point]:
    """Who would be paged now, and the severities that page nobody."""
    people = context.config.people
    points = []
    for row in await oncall.show(context):
        who, until = row["who"], row["until"]
        known = who in people.people
        said = f"{who} until {until}" if who else "nobody is on call now"
        said += "" if known or not who else ", who is not in people"
        todo = f"see oncall.{row['schedule']}; pages go to all responders until then"
        points.append(Point("on call", row["schedule"], State.OK if known else State.WARN, said, todo))
    silent = [s.label for s in Severity if s <= Severity.SEV2 and s not in people.escalation]
    if context.config.notify.channels and silent:
        said = f"an incident of {', '.join(silent)} pages nobody"
        points.append(Point("on call", "escalation", State.WARN, said, "give it steps under escalation"))
    return points


async def _channels(context: Context) -> list[Point]:
    """The channels that messages leave by: asked, without sending anything."""
    return await asyncio.gather(*(_channel(context, c) for c in context.config.notify.channels.values()))


async def _channel(context: Context, channel: Channel) -> Point:
    what = f"{channel.name} ({channel.audience}{', exercises' if channel.exercise else ''})"
    try:
        seen = await context.open_notifier(channel).look()
    except CommandError as error:
        return Point("notify", what, State.FAIL, str(error), f"mend notify.channels.{channel.name}")
    if seen.result is Result.DONE:
        return Point("notify", what, State.OK, seen.summary)
    todo = f"hutch notify test {channel.name}, once it is mended"
    return Point("notify", what, State.FAIL, seen.summary, todo)


async def _status_page(context: Context) -> list[Point]:
    """Whether its files can be written, where they are wanted."""
    page = context.config.status_page
    if page is None or not page.folder:
        return []
    if not _may_write(Path(page.folder)):
        return [Point("status page", page.folder, State.FAIL, "this user cannot write there", "make it writable")]
    return [Point("status page", page.folder, State.OK, "its files are kept there")]


def _may_write(folder: Path) -> bool:
    """Whether files can be put there; a folder that is not there yet is made."""
    known = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    return known.is_dir() and os.access(known, os.W_OK)


PARTS: tuple[Look, ...] = (_configuration, _store, _targets, _signals, _runbooks, _channels, _on_call, _status_page)
"""What is looked at, in order."""


def worst(points: Iterable[Point]) -> State:
    """The worst state among them."""
    order = list(State)
    return max((p.state for p in points), key=order.index, default=State.OK)
