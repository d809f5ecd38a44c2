"""One commit's worth of alerts: what each means, where it goes, and the drafts that say so. Decides; writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hutch.commands import incidents, telling
from hutch.commands.context import Context
from hutch.detection import grouping
from hutch.detection.facts import facts, named
from hutch.detection.grouping import Declare, Join, Reopen
from hutch.model import firing, incident
from hutch.model.alert import Alert
from hutch.model.draft import as_events
from hutch.model.event import Draft, instant
from hutch.model.firing import Firings, Heard
from hutch.model.incident import Incident
from hutch.model.quiet import Facts, Inhibition, Maintenance
from hutch.ports import Append, Job

OLDEST = timedelta(minutes=15)
"""A firing that began longer ago than this counts as detected now: nobody could have answered it before."""

AGAIN = timedelta(minutes=1)
"""How often an alert that another one makes needless is looked at again. Divided by the time scale."""

INHIBITED = "inhibited by "

NO_CLOCK = frozenset({"alert.fired", "alert.resolved", "alerts.counted", "alert.flapping"})
"""What an incident is told that starts, ends and pages nothing: its clocks need not be looked at for it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one alert: ``known opened joined reopened held ended early late``, and its incident."""

    key: str
    outcome: str
    incident: str = ""


@dataclass(slots=True)
class Storm:
    """Alerts of one incident that this batch only counts."""

    joined: int = 0
    ended: int = 0
    rules: Counter[str] = field(default_factory=Counter)


class Intake:
    """The states as they will be once the batch is written, and the drafts that make them so."""

    def __init__(
        self, context: Context, firings: Mapping[str, Firings], over: Mapping[str, Incident] | None = None
    ) -> None:
        self.context = context
        self.policy = context.config.alerting
        self.now = context.clock.now()
        self.incidents: dict[str, Incident] = {}  # those that the batch changes
        self.firings = dict(firings)
        self.over = over or {}  # those that the board has forgotten, and in which something still fires
        self.drafts: dict[str, list[Draft]] = {}
        self.expect: dict[str, int] = {}
        self.jobs: list[Job] = []
        self.storms: dict[str, Storm] = {}
        self.ended: set[str] = set()
        self.told: set[str] = set()
        self.declared = 0
        self._unfolded: dict[str, list[Draft]] = {}  # by fingerprint: what is written of it and not yet in its state
        self._asked = sorted({m.name for i in self.policy.inhibitions for m in (i.by, *i.holds)})
        self._inhibitions: dict[tuple[str, ...], list[Inhibition]] = {}

    # -------------------------------------------------------------- what a message means

    def take(self, alert: Alert) -> Receipt:
        """Take one in; it is completed already. What is told to be over is over, by now at the latest."""
        if alert.ends_at and alert.ends_at > self.now:
            alert = replace(alert, ends_at=self.now)
        known = self._firing(alert.fingerprint)
        match firing.hear(known, alert):
            case Heard.BEGINS:
                return self._begin(known, alert)
            case Heard.ENDS:
                return self._end(known, alert)
            case Heard.EARLY:
                self._note(known, firing.ended(alert, [alert.key], early=True))
                return Receipt(alert.key, "early")
            case Heard.LATE:
                self._note(known, firing.started(alert, held="it had ended before it was told"))
                return Receipt(alert.key, "late")
        return Receipt(alert.key, "known", known.incident if known.alert else "")

    def _begin(self, known: Firings, alert: Alert) -> Receipt:
        reason = self._quiet(alert) or self._inhibited(alert)
        again = self._comes_and_goes(known)
        if not reason and again and self._is_told(known):
            reason = again
        if reason:
            self._note(known, firing.started(alert, held=reason, flapping=bool(again)))
            self._look_again(known, reason)
            return Receipt(alert.key, "held")
        outcome, name, told = self._place(alert, known.incident)
        self._note(known, firing.started(alert, incident=name, told=told, flapping=bool(again)))
        if again:
            self._tell(name, Draft("alert.flapping", {"rule": alert.rule, "key": alert.key, "reason": again}))
            self._look_again(known, again)
        return Receipt(alert.key, outcome, name)

    def _end(self, known: Firings, alert: Alert) -> Receipt:
        current = known.alert or alert
        keep = known.flapping and self._is_told(known)
        self._note(known, firing.ended(alert, [current.key, alert.key], keep=keep))
        if keep:
            self._look_again(known, "comes and goes")
        elif not known.held:
            self._untell(known, replace(current, value=alert.value, ends_at=alert.ends_at))
        return Receipt(current.key, "ended", known.incident)

    def reconsider(self, fingerprint: str) -> None:
        """What is held back may be free by now, and what came and went may be still."""
        known = self._firing(fingerprint)
        still = known.changed_at is None or self.now - known.changed_at >= self._scaled(self.policy.settle)
        if known.flapping and still:
            if not known.alert and known.last:
                self._untell(known, replace(known.last, ends_at=known.changed_at))
            self._note(known, firing.steady())
            known = self._firing(fingerprint)
        if known.alert and known.held:
            reason = self._quiet(known.alert) or self._inhibited(known.alert)
            if known.flapping and self._is_told(known):
                reason = reason or known.held
            if reason:
                self._look_again(known, reason)
            elif self._is_told(known):
                self._note(known, firing.placed(known.incident, known.told))
            else:
                _, name, told = self._place(known.alert, known.incident)
                self._note(known, firing.placed(name, told))
        elif known.flapping:
            self._look_again(known, "comes and goes")

    # -------------------------------------------------------------- what holds it back

    def _quiet(self, alert: Alert) -> str:
        silences, windows = self.context.board.silences.values(), self._planned()
        if not silences and not windows:
            return ""
        mine = self._facts(alert)
        silent = (s.word for s in silences if s.holds(mine, self.now))
        planned = (m.word for m in windows if m.holds(mine, self.now))
        return next(iter((*silent, *planned)), "")

    def _planned(self) -> tuple[Maintenance, ...]:
        return (*self.context.config.maintenance, *self.context.board.maintenance.values())

    def _inhibited(self, alert: Alert) -> str:
        mine = self._facts(alert)
        able = self._concern(mine)
        if not able:
            return ""
        fires = [
            named(rule, alert.service, self.context.config.rules)
            for state in self._of(alert.service)
            if state.open
            for rule in state.open_alerts.values()
        ]
        rules = (i.held(mine, fires) for i in able)
        return next((f"{INHIBITED}{rule}" for rule in rules if rule), "")

    def _concern(self, mine: Facts) -> list[Inhibition]:
        """Those that could hold it back; the alerts of a storm differ in nothing that they ask for."""
        asked = tuple(mine.get(name, "") for name in self._asked)
        if asked not in self._inhibitions:
            self._inhibitions[asked] = [i for i in self.policy.inhibitions if i.concerns(mine)]
        return self._inhibitions[asked]

    def _comes_and_goes(self, known: Firings) -> str:
        """Why it counts as flapping with the beginning that is told now, or nothing."""
        window = self._scaled(self.policy.flap_window)
        times = known.times(self.now, window) + 1
        if known.flapping or times >= self.policy.flaps:
            return f"it fired {times} times in {telling.minutes(window)}"
        return ""

    def _is_told(self, known: Firings) -> bool:
        """Whether an open incident has it among its open alerts."""
        state = self.incident(known.incident)
        return state is not None and state.open and (known.told in state.open_alerts or known.counted)

    def _look_again(self, known: Firings, reason: str) -> None:
        """A job asks again when what holds it back may be over."""
        ends = [s.ends for s in self.context.board.silences.values() if s.word == reason]
        windows = [m.window(self.now) for m in self._planned() if m.word == reason]
        until = [*ends, *(w[1] for w in windows if w)]
        wait = AGAIN if reason.startswith(INHIBITED) else self.policy.settle
        self.jobs.append(recheck_job(known.fingerprint, min(until, default=self.now + self._scaled(wait))))

    # -------------------------------------------------------------- where it goes

    def _place(self, alert: Alert, before: str) -> tuple[str, str, str]:
        """The outcome, the incident, and the key under which it is told there (empty: it is counted)."""
        found = grouping.place(alert, self._of(alert.service), self.now, self._scaled(self.policy.window), before)
        match found:
            case Join(name, worse):
                told = self._join(name, alert)
                if worse:
                    why = f"{alert.rule} is {worse.label}"
                    self._tell(name, *incidents.severity_drafts(self.context, self._known(name), worse, why, "hutch"))
                return "joined", name, told
            case Reopen(name):
                state = self._known(name)
                gone = self.now - (state.resolved_at or self.now)
                why = f"{alert.rule} fires again {telling.minutes(gone)} later"
                self._tell(name, *incidents.reopening_drafts(self.context, state, why, "hutch"))
                self.jobs.append(incidents.respond_job(name))
                return "reopened", name, self._join(name, alert)
            case Declare(severity):
                name = self._declare(alert, replace(alert, severity=severity))
                return "opened", name, alert.key

    def _declare(self, alert: Alert, levelled: Alert) -> str:
        name = self._number()
        data = {
            "title": f"{alert.rule} on {alert.service}",
            "service": alert.service,
            "runbook": telling.runbook_of(self.context, alert),
            "summary": alert.summary,
            "source": "alert",
        }
        since = min(alert.starts_at, self.now)
        detected = since if self.now - since <= OLDEST else self.now
        first = incidents.declaration(
            self.context, data, levelled.level, detected, also=[telling.fired(self.context.config, levelled)]
        )
        self._tell(name, *first)
        self.jobs.append(incidents.respond_job(name))
        return name

    def _join(self, name: str, alert: Alert) -> str:
        state = self._known(name)
        if state.proposed_at:
            self._tell(name, Draft("resolution.withdrawn", {"reason": f"{alert.rule} fires"}))
        if len(state.alerts) >= self.policy.listed:
            storm = self.storms.setdefault(name, Storm())
            storm.joined += 1
            storm.rules[alert.rule] += 1
            return ""
        self._tell(name, telling.fired(self.context.config, alert))
        return alert.key

    def _untell(self, known: Firings, alert: Alert) -> None:
        """Its incident hears that it ended."""
        state = self.incident(known.incident) or self.over.get(known.incident)
        if state is None or not (known.told in state.open_alerts or known.counted):
            return
        self.ended.add(state.id)
        if known.counted:
            self.storms.setdefault(state.id, Storm()).ended += 1
            return
        ends = instant(alert.ends_at or self.now)
        data = {"key": known.told, "rule": alert.rule, "ends_at": ends, "value": alert.value}
        self._tell(state.id, Draft("alert.resolved", data))
        self.jobs += [Job("drive", f"run:{run}", None, {"run": run}) for run in state.runs]

    # -------------------------------------------------------------- the batch as it grows

    def incident(self, name: str) -> Incident | None:
        """As it will be; None for one that is over, or that nobody knows."""
        return self.incidents.get(name) or self.context.board.incidents.get(name)

    def _known(self, name: str) -> Incident:
        return self.incidents.get(name) or self.context.board.incidents.get(name) or self.over[name]

    def _of(self, service: str) -> list[Incident]:
        before = (i for i in self.context.board.of(service) if i.id not in self.incidents)
        return [*before, *(i for i in self.incidents.values() if i.service == service)]

    def finish(self) -> None:
        """What the batch as a whole has to say: storms, and incidents whose alerts have all ended."""
        for name, storm in self.storms.items():
            state = self._known(name)
            total = state.alerted + storm.joined
            rules = dict(storm.rules.most_common(5))
            told = {"joined": storm.joined, "ended": storm.ended, "total": total, "rules": rules}
            self._tell(name, Draft("alerts.counted", told))
        for name in sorted(self.ended):
            state = self._known(name)
            if state.open and not state.firing and not state.proposed_at:
                self._tell(name, Draft("resolution.proposed", {"reason": "every alert has ended"}))

    def appends(self) -> list[Append]:
        """All of it, to be written in one transaction."""
        return [Append(stream, tuple(drafts), self.expect[stream]) for stream, drafts in self.drafts.items()]

    def _note(self, known: Firings, draft: Draft) -> None:
        self.firings.setdefault(known.fingerprint, known)
        self._add(known.stream, known.seq, (draft,))
        self._unfolded.setdefault(known.fingerprint, []).append(draft)

    def _firing(self, fingerprint: str) -> Firings:
        """As it will be. Most are asked for once in a batch, before anything is written of them."""
        known = self.firings.get(fingerprint) or Firings(fingerprint)
        drafts = self._unfolded.pop(fingerprint, None)
        if drafts:
            known = firing.fold(as_events(known.stream, known.seq, drafts, self.now), known)
            self.firings[fingerprint] = known
        return known

    def _tell(self, name: str, *drafts: Draft) -> None:
        if not drafts:
            return
        state = self.incident(name) or self.over.get(name)
        stream, seq = incident.stream_of(name), state.seq if state else 0
        self._add(stream, seq, drafts)
        after = incident.fold(as_events(stream, seq, drafts, self.now), state)
        assert after is not None
        self.incidents[name] = after
        if name not in self.told and any(draft.kind not in NO_CLOCK for draft in drafts):
            self.told.add(name)
            self.jobs.append(incidents.clock_job(name))

    def _add(self, stream: str, seq: int, drafts: tuple[Draft, ...]) -> None:
        self.expect.setdefault(stream, seq)
        self.drafts.setdefault(stream, []).extend(drafts)

    def _number(self) -> str:
        """The next free one: whoever writes first has it, and the other decides again."""
        self.declared += 1
        return self.context.board.number(self.now.year, self.declared)

    def _facts(self, alert: Alert) -> Facts:
        return facts(alert, self.context.config.rules)

    def _scaled(self, real: timedelta) -> timedelta:
        return self.context.config.scaled(real)


def recheck_job(fingerprint: str, at: datetime | None) -> Job:
    """Looks again at what is held back, or comes and goes."""
    return Job("alert", firing.stream_of(fingerprint), at, {"fingerprint": fingerprint}, unique="recheck")
