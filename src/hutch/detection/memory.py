"""What watching a service has to remember, as JSON: so another process goes on where the last one was, within a moment.

What fires is not in it: that is for the log to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hutch.detection.history import History
from hutch.detection.phases import Phase, Track
from hutch.detection.rules import Evaluator, RuleState
from hutch.detection.standing import Standing
from hutch.model.alert import Rule
from hutch.model.event import instant, parse_instant


def memory(evaluator: Evaluator, history: History, causes: Standing, now: datetime, windows: timedelta) -> Any:
    """All of it at ``now``; of the history as much as the longest of the signals' ``windows`` needs."""
    return {
        "at": instant(now),
        "rules": [_told(rule, evaluator.states[rule.name]) for rule in evaluator.rules],
        "history": history.handed_on(now - windows),
        "causes": {code: [count, _text(causes.first.get(code))] for code, count in causes.seen.items()},
    }


def recall(data: Any, evaluator: Evaluator, history: History, now: datetime, fresh: timedelta) -> Standing:
    """Take it up, where it is no older than ``fresh``; what rules were changed since begin anew. What is no memory, as
    that of another version, is passed over from there on."""
    try:
        if now - parse_instant(str(data["at"])) >= fresh:
            return Standing()
        rules = {rule.name: rule for rule in evaluator.rules}
        for told in data["rules"]:
            rule = rules.get(told["name"])
            if rule and told["rule"] == _words(rule):
                evaluator.resume_state(rule.name, _state(told))
        history.take_up(data["history"])
        seen = {str(code): (int(count), _time(first)) for code, (count, first) in data["causes"].items()}
        return Standing(
            {code: count for code, (count, _) in seen.items()},
            {code: first for code, (_, first) in seen.items() if first},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Standing()


def _told(rule: Rule, state: RuleState) -> dict[str, Any]:
    return {
        "name": rule.name,
        "rule": _words(rule),
        "track": _track(state.track),
        "blind": _track(state.blind),
        "blind_since": _text(state.blind_since),
        "blind_said": state.blind_said,
    }


def _state(told: Mapping[str, Any]) -> RuleState:
    return RuleState(
        _track_from(told["track"]),
        blind=_track_from(told["blind"]),
        blind_since=_time(told["blind_since"]),
        blind_said=bool(told["blind_said"]),
    )


def _words(rule: Rule) -> str:
    return f"{rule.condition} for {rule.duration}, of {rule.quorum}"


def _track(track: Track) -> list[Any]:
    return [str(track.phase), _text(track.since), _text(track.kept)]


def _track_from(told: list[Any]) -> Track:
    phase, since, kept = told
    return Track(Phase(phase), _time(since), _time(kept))


def _text(at: datetime | None) -> str | None:
    return instant(at) if at else None


def _time(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None
