"""Which findings mean which cause, and what would cure it. Pure: the figures stand in the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy

CODES = {
    "redis.unreachable": "No answer at the address: it is down, hangs, is loading its data, or refuses the login.",
    "redis.memory_full": "maxmemory is used up and writes are refused.",
    "redis.evicting": "Keys are evicted and then missed: maxmemory is too small for what is looked up.",
    "redis.slow_command": "Commands that take long keep all others waiting.",
    "redis.clients_exhausted": "As many clients as maxclients allows are connected; further ones are turned away.",
}
SET_MAXMEMORY = "redis.set_maxmemory"
RESTARTABLE = ("refused", "silent")
"""What a restart may cure. It cures no wrong password, and would make a loading server begin anew."""
STEP = 1024 * 1024


def explain(findings: Sequence[Finding]) -> list[Cause]:
    """The causes that this provider's findings show, for each target by itself."""
    by_target: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.check.startswith("redis."):
            by_target[finding.target].append(finding)
    return [cause for group in by_target.values() for cause in _explain(group)]


def _explain(findings: Sequence[Finding]) -> list[Cause]:
    failed = {str(f.data["code"]): f for f in reversed(findings) if "code" in f.data}
    by_check = {f.check: f for f in findings if f.data and "code" not in f.data}
    told = [_MAKERS[code](finding) for code, finding in failed.items()]
    memory, clients, slow = (by_check.get(f"redis.{name}") for name in ("memory", "clients", "slow"))
    told += [_full(memory)] if memory and memory.data["full"] else []
    told += [_evicting(memory)] if memory and memory.data["thrashing"] and not memory.data["full"] else []
    if clients and clients.data["full"] and "redis.clients_exhausted" not in failed:
        told.append(_exhausted(clients))
    told += [_slow(slow)] if slow and slow.data["slow"] and "redis.slow_command" not in failed else []
    return told


# ------------------------------------------------------------------ a server that could not be asked


def _unreachable(finding: Finding) -> Cause:
    where, why = str(finding.data["where"]), finding.data["why"]
    restart = Remedy("service.restart", "", {"component": "redis"}, f"restart the Redis server at {where}", rank=20)
    said = f"{finding.summary}: {finding.reason}"
    remedies = (restart,) if why in RESTARTABLE else ()
    return Cause("redis.unreachable", Object("host", where), 0.95, said, finding.target, finding.evidence, remedies)


def _refused_us(finding: Finding) -> Cause:
    return Cause(
        "redis.clients_exhausted", Object("setting", "maxclients"), 0.9, finding.summary, finding.target,
        (*finding.evidence, "our own connection was turned away"),
    )  # fmt: skip


def _busy(finding: Finding) -> Cause:
    host = Object("host", str(finding.data["where"]))
    return Cause("redis.slow_command", host, 0.9, finding.summary, finding.target, finding.evidence)


_MAKERS = {
    "redis.unreachable": _unreachable,
    "redis.clients_exhausted": _refused_us,
    "redis.slow_command": _busy,
}


# ------------------------------------------------------------------ a server that told


def _full(finding: Finding) -> Cause:
    refused = _figure(finding.data, "refused")
    said = "writes are refused for want of memory" if refused else "the memory is used up: the next writes are refused"
    return Cause(
        "redis.memory_full",
        Object("setting", "maxmemory", {"policy": finding.data["policy"]}),
        0.95 if refused else 0.8,
        f"{said}: {finding.summary}",
        finding.target,
        (finding.summary, *finding.evidence),
        _more_memory(finding),
    )


def _evicting(finding: Finding) -> Cause:
    return Cause(
        "redis.evicting",
        Object("setting", "maxmemory", {"policy": finding.data["policy"]}),
        0.75 if _in_turn(finding) else 0.55,
        f"what is evicted is missed: {finding.summary}",
        finding.target,
        (finding.summary, *finding.evidence),
        _more_memory(finding),
    )


IN_TURN = 0.5
"""Evicted keys for each look-up that misses, from which on what is missed is what was evicted."""


def _in_turn(finding: Finding) -> bool:
    """Whether about as much is evicted as is missed: each miss is stored, and pushes out what is missed next."""
    lookups, share = _figure(finding.data, "lookups"), _figure(finding.data, "misses")
    return _figure(finding.data, "evicted") >= IN_TURN * lookups * share / 100


def _more_memory(finding: Finding) -> tuple[Remedy, ...]:
    """Twice the limit, as far as the machine allows; nothing where it allows no more."""
    wanted = proposed(
        *(_figure(finding.data, name) for name in ("maxmemory", "used", "total", "memory_share")),
    )
    now = int(_figure(finding.data, "maxmemory"))
    if wanted <= now:
        return ()
    said = f"raise maxmemory from {now // STEP} to {wanted // STEP} MiB"
    return (Remedy(SET_MAXMEMORY, finding.target, {"bytes": wanted, "from": now}, said, rank=10),)


def proposed(limit: float, used: float, total: float, share: float) -> int:
    """The maxmemory to propose, in whole MiB; 0 where the machine's memory is not known or leaves no room.

    >>> proposed(16 * STEP, 16 * STEP, 1024 * STEP, 60) // STEP
    32
    >>> proposed(500 * STEP, 500 * STEP, 1000 * STEP, 60) // STEP
    600
    """
    room = total * share / 100
    wanted = min(2 * max(limit, used), room)
    return int(wanted // STEP) * STEP if wanted > max(limit, used) else 0


def _exhausted(finding: Finding) -> Cause:
    rejected = _figure(finding.data, "rejected")
    return Cause(
        "redis.clients_exhausted",
        Object("setting", "maxclients"),
        0.95 if rejected else 0.8,
        finding.summary,
        finding.target,
        (finding.summary, *finding.evidence),
    )


def _slow(finding: Finding) -> Cause:
    found = finding.data["slow"]
    assert isinstance(found, Mapping)
    key, command = str(found["key"]), found["command"]
    about = Object("key", key, {"command": command}) if key else Object("host", finding.target, {"command": command})
    said = f"{command} ran {found['times']} times for {found['seconds']} s in all"
    return Cause(
        "redis.slow_command",
        about,
        0.8 if _figure(finding.data, "share") >= 50 else 0.7,
        f"{said}; everything else waits meanwhile",
        finding.target,
        (finding.summary, *finding.evidence),
    )


def _figure(data: Mapping[str, object], name: str) -> float:
    return float(str(data[name]))
