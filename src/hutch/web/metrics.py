"""``/metrics`` in Prometheus' text format, and ``/healthz``: how Hutch itself does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hutch import __version__
from hutch.commands.context import Context
from hutch.ports import StoreAway, StoreFull
from hutch.web.sights import shown_to
from hutch.web.site import site_of

KIND = "text/plain; version=0.0.4; charset=utf-8"

WAITING = "waiting for"
"""How the state of a run begins that a person has to do something about."""

router = APIRouter(include_in_schema=False)

Labelled = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its values; one without labels has one."""

    name: str
    kind: str  # counter or gauge
    help: str
    values: tuple[Labelled, ...]


def one(name: str, kind: str, help_text: str, value: float) -> Metric:
    """A metric without labels."""
    return Metric(name, kind, help_text, (({}, value),))


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Counts of this process, and how the log and the queue stand."""
    found = [*_own(site_of(request).context), *await _stored(request)]
    return PlainTextResponse(render(found), media_type=KIND)


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz(request: Request) -> Response:
    """200 while rules are judged on time and the store can be read; else 503 with the reasons."""
    context = site_of(request).context
    vitals = context.vitals
    reasons = [] if vitals.watching or vitals.stands_by else ["nobody judges the rules in this process"]
    reasons += [f"evaluations are {vitals.lateness:.0f} s late"] if vitals.behind else []
    try:
        await context.store.tail(0, 1)
    except (StoreAway, StoreFull) as error:
        reasons.append(f"the store cannot be read: {error}")
    role = "watching" if vitals.watching else "standing by" if vitals.stands_by else "idle"
    status = {"status": "unhealthy" if reasons else "ok", "role": role, "version": __version__, "reasons": reasons}
    return JSONResponse(status, 503 if reasons else 200)


def _own(context: Context) -> Iterator[Metric]:
    vitals = context.vitals
    yield Metric("hutch_build_info", "gauge", "The version that runs.", (({"version": __version__}, 1.0),))
    yield one("hutch_evaluations_total", "counter", "Evaluations of all rules of a service.", vitals.evaluations)
    yield one("hutch_evaluation_lateness_seconds", "gauge", "How late the evaluation of rules is.", vitals.lateness)
    yield one("hutch_evaluation_lateness_seconds_max", "gauge", "The worst of that since the start.", vitals.worst)
    yield one("hutch_watching", "gauge", "1 in a process that judges rules.", float(vitals.watching))
    watched = len(vitals.shares.watched()) if vitals.shares else 0
    yield one("hutch_services_watched", "gauge", "Services that this process watches.", float(watched))
    yield one("hutch_behind", "gauge", "1 while it counts as falling behind.", float(vitals.behind))
    received = [({"source": s, "outcome": o}, float(n)) for (s, o), n in sorted(vitals.received.items())]
    yield Metric("hutch_alerts_received_total", "counter", "Alerts taken in, by what became of them.", tuple(received))
    pings = [({"result": r}, float(n)) for r, n in sorted(vitals.pings.items())]
    yield Metric("hutch_watchdog_pings_total", "counter", "Pings of the dead man's switch.", tuple(pings))
    failing = [({"service": s}, float(len(w.troubles))) for s, w in sorted(context.board.watched.items())]
    yield Metric(
        "hutch_sources_failing",
        "gauge",
        "Sources of signals that give nothing, or less than they should.",
        tuple(failing),
    )


async def _stored(request: Request) -> list[Metric]:
    """What the log and the queue tell, of what whoever asks may see; nothing of it where they cannot be asked."""
    site = site_of(request)
    context = site.context
    try:
        async with context.board.lock:
            await context.board.catch_up(context.store, context.clock.now())
        depth, runs = await context.queue.depth(), await site.ran.every()
    except (StoreAway, StoreFull):
        return []
    jobs = {"due": depth.due, "later": depth.later, "taken": depth.taken, "given_up": depth.dead}
    shows = await shown_to(request)
    open_now = [state for state in context.board.incidents.values() if state.open and shows(state.stream)]
    firing = sum(len(state.open_alerts) + state.counted_open for state in open_now)
    waiting = sum(run.state.startswith(WAITING) and shows(f"run:{run.id}") for run in runs)
    return [
        one("hutch_events_total", "counter", "Events in the log.", float(context.board.position or 0)),
        Metric("hutch_jobs", "gauge", "Jobs by state.", tuple(({"state": k}, float(n)) for k, n in jobs.items())),
        one("hutch_runs_waiting", "gauge", "Runs that wait for a person.", float(waiting)),
        one("hutch_incidents_open", "gauge", "Incidents that are not resolved.", float(len(open_now))),
        Metric(
            "hutch_incident_users_affected",
            "gauge",
            "Largest share of users, in %, that was measured to be hit, by open incident.",
            tuple(
                ({"incident": s.id, "service": s.service}, share)
                for s in open_now
                if (share := s.record.measured) is not None
            ),
        ),
        one("hutch_alerts_firing", "gauge", "Alerts of open incidents that fire.", float(firing)),
    ]


def render(found: Iterable[Metric]) -> str:
    """The text format, version 0.0.4."""
    return "".join(_lines(metric) for metric in found if metric.values)


def _lines(metric: Metric) -> str:
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
    return head + "".join(f"{metric.name}{_labels(labels)} {value:.17g}\n" for labels, value in metric.values)


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
