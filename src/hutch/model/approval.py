"""Who must approve a change, and the few changes that a policy lets Hutch make by itself (DESIGN §4). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hutch.model.effect import Effect
from hutch.model.severity import Severity

ASSISTANT = "assistant:"
"""How the log calls a program that a language model steers, and for whom: ``assistant:NAME``. It approves nothing."""

POLICY = "policy:"
"""How the actor of an approval begins that no person gave: ``policy:NAME``."""


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Asks ``approvers`` different people for what it matches; an empty criterion matches everything.

    ``severity`` matches incidents that are as bad or worse, ``effect`` this effect, ``by`` limits who counts, and
    ``signed_in`` to people who proved who they are.
    """

    approvers: int = 1
    by: tuple[str, ...] = ()
    effect: Effect | None = None
    severity: Severity | None = None
    service: str = ""
    action: str = ""
    signed_in: bool = False


@dataclass(frozen=True, slots=True)
class Autonomy:
    """Lets Hutch make one action under one alert by itself, at most ``per_hour`` times. Off unless configured."""

    name: str
    action: str
    alert: str
    service: str = ""
    per_hour: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an option when it is offered. ``indicated``: the diagnosis points to it, as its first remedy."""

    service: str
    actions: tuple[str, ...]
    effect: Effect
    severity: Severity | None = None
    alerts: frozenset[str] = frozenset()
    indicated: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offered option asks for. ``by`` None: anybody; empty: nobody can. ``autonomous`` names the policy."""

    approvers: int = 1
    by: tuple[str, ...] | None = None
    autonomous: Autonomy | None = None
    signed_in: bool = False


def terms(rules: Sequence[ApprovalRule], autonomy: Sequence[Autonomy], facts: Facts) -> Terms:
    """The strictest of all rules that match: the most approvers, out of the people whom every rule accepts."""
    matching = [r for r in rules if matches(r, facts)]
    lists = [r.by for r in matching if r.by]
    by = tuple(p for p in lists[0] if all(p in other for other in lists)) if lists else None
    return Terms(
        max((r.approvers for r in matching), default=1),
        by,
        next((a for a in autonomy if allows(a, facts)), None),
        any(r.signed_in for r in matching),
    )


def matches(rule: ApprovalRule, facts: Facts) -> bool:
    """Whether each criterion that the rule gives holds."""
    return (
        (rule.effect is None or rule.effect is facts.effect)
        and (rule.severity is None or (facts.severity is not None and facts.severity <= rule.severity))
        and rule.service in ("", facts.service)
        and (not rule.action or rule.action in facts.actions)
    )


def allows(policy: Autonomy, facts: Facts) -> bool:
    """Only a single indicated action that loses no data, under just that alert."""
    return (
        facts.indicated
        and facts.effect is Effect.CHANGE
        and facts.actions == (policy.action,)
        and policy.alert in facts.alerts
        and policy.service in ("", facts.service)
    )
