"""Tells the demo's story from the event log as it grows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import click

from hutch.cli.demo_stage import FAULTS, RATE, Stage
from hutch.cli.shell import actor, span
from hutch.commands import incidents, reviews, runs
from hutch.commands.context import CommandError, Context
from hutch.commands.diagnose import diagnose_json
from hutch.commands.monitor import Watch
from hutch.model.event import instant, parse_instant
from hutch.model.incident import Incident
from hutch.model.run import ChangeState, Chosen, Run

PATIENCE = 120.0
"""Seconds that each part of the story may take before the demo gives up and says where."""


class Story:
    """Prints what happens, or gives it as NDJSON; asks for the one approval."""

    def __init__(self, *, json_out: bool, ask: bool, yes: bool, time_scale: float) -> None:
        self.json_out = json_out
        self.ask = ask
        self.yes = yes
        self.time_scale = time_scale
        self.position = 0
        self.began = time.monotonic()
        self.address = ""

    def say(self, text: str) -> None:
        """A line for people; stderr when stdout is for machines."""
        click.echo(text, err=self.json_out)

    def tell(self, text: str) -> None:
        """A line of the story, with the seconds since it began."""
        self.say(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def places(self, stage: Stage, ready: Mapping[str, Any], port: int) -> None:
        """Where everything is, first of all."""
        config = stage.config_path
        self.say(f"  configuration  {config}")
        database = urlsplit(str(ready["reader_url"]))
        where = f"{database.hostname}:{database.port}{database.path}"
        self.say(f"  database       {where}    its URL, with the password: cat {config.parent / 'reader_url'}")
        self.say(f"  service        {ready['app_url']}    platform {ready['api_url']}")
        self.address = f"http://127.0.0.1:{port}"
        self.say(f"  Hutch          {self.address}/    JSON API {self.address}/api/v1")
        self.say(f"  look yourself  hutch --config {config} diagnose")
        window = timedelta(minutes=5) / self.time_scale
        self.say(
            f"  time scale     {self.time_scale:g}: it divides signal windows, rule durations (5 min is {span(window)})"
            " and the regression watch; clocks are real\n"
        )

    # -------------------------------------------------------------- the parts

    async def healthy(self, context: Context, watches: Mapping[str, Watch]) -> None:
        """The service under load, well."""
        (watch,) = watches.values()
        deadline = time.monotonic() + PATIENCE
        while True:
            found = await diagnose_json(context, context.service())
            if found["healthy"] and (watch.values.get("request_rate") or 0) > RATE / 2:
                break
            if time.monotonic() > deadline:
                raise CommandError(
                    f"the service under load did not become healthy: {found['causes'] or found['checks']}"
                )
            await asyncio.sleep(0.3)
        checks = found["checks"]
        self.tell(f"Healthy: {len(checks)} checks are well, release 42 serves {RATE} requests a second.")  # type: ignore[arg-type]

    async def fault(self, context: Context, stage: Stage, ready: Mapping[str, Any]) -> None:
        """Release 43 goes out."""
        _, does = FAULTS[stage.fault]
        self.tell(f"Release 43 goes out. It {does}; nobody knows yet.")
        await stage.break_it(ready)
        state, _ = await self._until(context, lambda i, _: i is not None, "no alert fired")
        if state:
            self.say(f"\n  Watch it live: {self.address}/incidents/{state.id}\n")

    async def diagnosed(self, context: Context) -> None:
        """As far as the cause and what is proposed."""
        await self._until(context, lambda _, r: r is not None and r.ranked, "the runbook named no cause")

    async def resolved(self, context: Context) -> None:
        """Approval, the change, its verification, the documents."""
        await self.diagnosed(context)
        run = (await self._state(context))[1]
        if run and not run.chosen:
            raise CommandError(f"the runbook could offer no remedy; `hutch runs show {run.id}` says why")
        if run and not run.finished:
            await self._approve(context, run)
        state, run = await self._until(context, _over, "it was not resolved")
        if state is None or state.open:
            said = run.summary if run else "no run"
            raise CommandError(f"the incident is not resolved: {said}")
        update, review = await reviews.write_documents(context, state.id, actor())
        await self._events(context)
        watch = span(context.config.scaled(context.config.watch_for))
        self.say(f"\n  update  {update}\n  review  {review}")
        self.tell(f"{state.id} is resolved; the regression watch runs for {watch}.")

    async def _approve(self, context: Context, run: Run) -> None:
        first = next(iter(run.in_state(ChangeState.OFFERED)), None)
        if first is None:
            return
        if self.yes:
            await runs.approve(context, run.id, "", actor(), digest=first.digest, yes=True)
            return
        command = f"hutch --config {context.config.path} runs approve {run.id} --option {first.option.id}"
        if not self.ask:
            self.say(f"\nWaiting for approval: on the page, or from another terminal:\n  {command}\n")
            return
        chosen = await self._asked(context, run)
        if chosen is None:
            return
        try:
            await runs.approve(context, run.id, chosen.option.id, actor(), digest=chosen.digest)
        except CommandError as error:
            self.say(str(error))  # the page was quicker

    async def _asked(self, context: Context, run: Run) -> Chosen | None:
        """The remedy that was chosen at the prompt; None when somebody decided elsewhere meanwhile."""
        self.say("\nApprove here, or on the page.")
        while True:
            click.echo("Approve which remedy [1]: ", nl=False, err=self.json_out)
            answer = await _line(lambda: _decided(context, run.id))
            if answer is None:
                self.say("")
                return None
            number = answer.strip() or "1"
            if number.isdecimal() and 0 < int(number) <= len(run.chosen):
                return run.chosen[int(number) - 1]
            self.say(f"There are remedies 1 to {len(run.chosen)}.")

    # -------------------------------------------------------------- following the log

    async def _until(
        self, context: Context, done: Callable[[Incident | None, Run | None], bool], failure: str
    ) -> tuple[Incident | None, Run | None]:
        """Tell what happens until ``done``; waiting for a person has no limit."""
        deadline = time.monotonic() + PATIENCE
        while True:
            await self._events(context)
            state, run = await self._state(context)
            if done(state, run):
                await self._events(context)
                return state, run
            if run and run.waiting in ("approval", "decision"):
                deadline = time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise CommandError(f"{failure} within {PATIENCE:g} s; the log is in {context.home}")
            await asyncio.sleep(0.1)

    async def _state(self, context: Context) -> tuple[Incident | None, Run | None]:
        found = await incidents.listing(context)
        state = found[-1] if found else None
        run = await runs.load(context, state.runs[-1]) if state and state.runs else None
        return state, run

    async def _events(self, context: Context) -> None:
        for position, event in await context.store.tail(self.position):
            self.position = position
            if self.json_out:
                click.echo(json.dumps({"at": instant(event.at), "kind": event.kind, "data": dict(event.data)}))
            elif event.kind in TOLD:
                for line in TOLD[event.kind](event.data):
                    self.tell(line) if not line.startswith(" ") else self.say(f"          {line}")


def _over(state: Incident | None, run: Run | None) -> bool:
    return bool(state and not state.open) or bool(run and run.finished and run.outcome != "resolved")


async def _decided(context: Context, run_id: str) -> bool:
    """Whether the run no longer waits for a first approval."""
    run = await runs.load(context, run_id)
    return run.waiting != "approval" or any(c.approved_by for c in run.chosen)


async def _line(given_up: Callable[[], Awaitable[bool]]) -> str | None:
    """A line typed at the terminal; None as soon as it is no longer wanted. Raises ``click.Abort`` at its end."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[str] = asyncio.Queue()
    loop.add_reader(sys.stdin.fileno(), lambda: typed.put_nowait(sys.stdin.readline()))
    try:
        while not await given_up():
            with contextlib.suppress(TimeoutError):
                found = await asyncio.wait_for(typed.get(), 0.2)
                if not found:
                    raise click.Abort
                return found
        return None
    finally:
        loop.remove_reader(sys.stdin.fileno())


# ------------------------------------------------------------------ events in words

Lines = list[str]


def _fired(data: Mapping[str, Any]) -> Lines:
    return [f"ALERT {data['rule']} ({data['severity']}): {data['summary']}"]


def _declared(data: Mapping[str, Any]) -> Lines:
    return [f"INCIDENT {data['severity']}: {data['title']}. Clocks run from {_clock(data['detected_at'])} UTC:"]


def _promise(data: Mapping[str, Any]) -> Lines:
    return [f" promise: {data['clock']} due at {_clock(data['due'])} UTC ({data['why']})"]


def _started(data: Mapping[str, Any]) -> Lines:
    program = data["program"]
    return [f"Runbook “{data['title']}” starts by itself: {len(program['reads'])} reads and the checks, in parallel."]


def _read(data: Mapping[str, Any]) -> Lines:
    marks = {"passed": "✓", "failed": "✗"}
    text = str(data["text"]).splitlines()[0]
    return [f" {marks.get(data['status'], '–')} {text[:70]}  {data['summary']}"]


def _diagnosis(data: Mapping[str, Any]) -> Lines:
    lines = [f"DIAGNOSIS in {data['seconds']:.1f} s by {len(data['checks'])} checks:"]
    for cause in data["causes"]:
        lines.append(f" {cause['code']} ({cause['confidence']:.0%}): {cause['summary']}")
        lines.append(f"   object {_object(cause['object'])}")
        lines += [f"   - {e}" for e in cause["evidence"]]
    return lines


def _object(found: Mapping[str, Any]) -> str:
    extra = []
    for key, value in found.items():
        if key not in ("kind", "id"):
            extra.append(f"{key} {', '.join(str(v) for v in value) if isinstance(value, list) else value}")
    return f"{found['kind']} {found['id']}" + (f" ({'; '.join(extra)})" if extra else "")


def _ask(data: Mapping[str, Any]) -> Lines:
    option, preview = data["option"], data["preview"]
    lines = [f"REMEDY {option['title']} — {option['why']}"]
    lines += [f"   runs  {i['command']['text']}  on {i['command']['target']}" for i in option["items"]]
    lines.append(f"   hits  {preview['summary']}")
    lines += [f"         {i}" for i in preview["items"][:4]]
    if len(preview["items"]) > 4:
        lines.append(f"         … and {len(preview['items']) - 4} more")
    return [*lines, f"   undo  {preview['undo'] or 'none'}"]


TOLD: Mapping[str, Callable[[Mapping[str, Any]], Lines]] = {
    "alert.fired": _fired,
    "incident.declared": _declared,
    "clock.started": _promise,
    "run.started": _started,
    "statement.finished": _read,
    "diagnosis.made": _diagnosis,
    "approval.requested": _ask,
    "approval.granted": lambda d: [f"APPROVED: {d['title']}"],
    "change.intended": lambda d: [f"Applying {d['command']['text']} …"],
    "change.done": lambda d: [f"Applied in {d['seconds']:.1f} s: {d['summary']}"],
    "change.failed": lambda d: [f"FAILED: {d['summary']}"],
    "change.unknown": lambda d: [f"UNKNOWN: {d['summary']}"],
    "verification.done": lambda d: [
        f"VERIFIED: {d['summary']}" if d["verdict"] == "passed" else f" {d['verdict']}: {d['summary']}"
    ],
    "alert.resolved": lambda d: [f"Alert cleared: {d['rule']}"],
    "run.finished": lambda d: [f"Run over: {d['outcome']}"],
    "incident.resolved": lambda d: [f"RESOLVED: {d['resolution']}"],
}
"""The kinds that the story tells, and how; lines that begin with a space are details."""


def _clock(text: object) -> str:
    """Time of day, with the date where it is another day's."""
    at = parse_instant(str(text))
    return f"{at:%H:%M:%S}" if at.date() == datetime.now(UTC).date() else f"{at:%d %b %H:%M:%S}"
