"""The read-only look at addresses that each do little and together too much."""

from __future__ import annotations

from typing import Any

from hutch.providers.audit.client import AuditError, Client, Row
from hutch.providers.audit.config import SETTLING, Config
from hutch.providers.audit.crowd_causes import is_attack
from hutch.providers.audit.networks import network_of, refusal, shown
from hutch.providers.audit.queries import parameters, query
from hutch.providers.audit.steps import standing


async def crowd(client: Client, config: Config, service: str) -> dict[str, Any]:
    """What addresses do together where nobody logs in; empty where that is no attack.

    Those that a block keeps out count as well, or an attack that is blocked in part would have to become one anew."""
    limits = {name: config.number(name) for name in ("crowd_addresses", "crowd_failures")}
    row, large = await client.rows(query("crowd", config), parameters(config) | {"settling": SETTLING})
    if not is_attack(row, limits):
        return {}
    free = [shown(text) for text in large["named"] if not refusal(network_of(text), config.protected)]
    steps = await _stepped(client, config)
    names = ("networks", "failures", "counted", "crossed", "accounts", "last_minute", "kept_out")
    return {
        **{name: row[name] for name in names},
        **steps,
        "service": service,
        "named": free[: config.whole("max_crowd")],
        "block_minutes": config.whole("block_minutes"),
        "step_divisor": config.whole("step_divisor"),
        "step_minutes": config.whole("step_minutes"),
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
        "state": _state(large, config.number("attack_over_after"), bool(large["named"]) or is_attack(large, limits)),
    }


def _state(large: Row, over_after: float, dangerous: bool) -> str:
    """``running``; ``handled`` where who is still at large does what people do; ``over`` by itself."""
    if not dangerous:
        return "handled"
    return "over" if large["quiet"] > over_after else "running"


async def _stepped(client: Client, config: Config) -> dict[str, Any]:
    """How far log-ins are stepped up, and whether they can be: not every service has limits in a table."""
    if client.refusal:
        return {"can_step": False, "stepped": 0}
    try:
        state = await standing(client, config, {"kind": "login"})
    except AuditError:
        return {"can_step": False, "stepped": 0}
    return {"can_step": True, "stepped": state["divisor"] or 0}
