"""Blocked addresses and restricted accounts: listed, exported for other tools, made and ended by runs of their own."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from hutch.commands.acting import act, look
from hutch.commands.context import CommandError, Context, Service
from hutch.model.event import parse_instant
from hutch.model.run import Run

ADD, REMOVE, LIST = "block.add", "block.remove", "block.list"
RESTRICT, UNRESTRICT, RESTRICTIONS = "account.restrict", "account.unrestrict", "account.restrictions"
KINDS = ("all", "login", "export")


async def blocked(context: Context, service: str, days: int = 0) -> dict[str, Any]:
    """The blocks that stand, and those that ended in the last ``days``."""
    return await _listed(context, _able(context, service, LIST), LIST, days)


async def restricted(context: Context, service: str, days: int = 0) -> dict[str, Any]:
    """The restrictions that stand, and those that ended in the last ``days``."""
    return await _listed(context, _able(context, service, RESTRICTIONS), RESTRICTIONS, days)


async def block(context: Context, service: str, address: str, minutes: int, reason: str, actor: str) -> Run:
    """Start the run that blocks an address or a network; without ``minutes`` for as long as its repeats ask for."""
    found = _able(context, service, ADD)
    args = {"address": address, **({"minutes": minutes} if minutes else {}), **_because(reason)}
    return await act(context, found, ADD, args, f"Block {address} at {found.name}", actor)


async def release(context: Context, service: str, address: str, actor: str) -> Run:
    """Start the run that ends a block now."""
    found = _able(context, service, REMOVE)
    return await act(context, found, REMOVE, {"address": address}, f"Release {address} at {found.name}", actor)


async def restrict(
    context: Context, service: str, account: str, kind: str, hours: int, reason: str, actor: str
) -> Run:  # fmt: skip
    """Start the run that restricts an account (``kind``: all, login, export)."""
    found = _able(context, service, RESTRICT)
    args = {"account": account, "kind": kind, **({"hours": hours} if hours else {}), **_because(reason)}
    return await act(context, found, RESTRICT, args, f"Restrict account {account} of {found.name}", actor)


async def unrestrict(context: Context, service: str, account: str, kind: str, actor: str) -> Run:
    """Start the run that ends an account's restrictions, all or of one kind."""
    found = _able(context, service, UNRESTRICT)
    args = {"account": account, **({"kind": kind} if kind else {})}
    return await act(context, found, UNRESTRICT, args, f"Free account {account} of {found.name}", actor)


def _because(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}


async def _listed(context: Context, service: Service, verb: str, days: int) -> dict[str, Any]:
    outcome = await look(service, verb, {"days": days} if days else {})
    found: dict[str, Any] = json.loads(outcome.output)
    rows = [{**row, "reason": context.secrets.mask(row["reason"])} for row in found["rows"]]
    return {"service": service.name, "rows": rows, "cut": found["cut"]}


def _able(context: Context, name: str, verb: str) -> Service:
    """The service of that name, or the only one with security tables."""
    able = [
        s for s in context.services.values() if any(verb in c.actions or verb in c.runs for c in s.connections.values())
    ]
    found = able[0] if not name and len(able) == 1 else context.service(name)
    if found not in able:
        raise CommandError(
            f"services.{found.name} has no audit: block, which says where its security tables are: give it one, as "
            "{url: {env: …}, operator_url: {env: …}}",
            2,
        )
    return found


# ------------------------------------------------------------------ for other tools


def exported(found: Mapping[str, Any], style: str) -> str:
    """The blocks that stand, as a file for another tool; see :data:`STYLES`. Nothing of a reason is in it: whoever
    reaches the service may have written part of one."""
    if found["cut"]:
        raise CommandError("more blocks stand than an export holds; release what is old first")
    rows = [
        (ipaddress.ip_network(row["address"]), parse_instant(row["until"])) for row in found["rows"] if row["stands"]
    ]
    return "".join(f"{line}\n" for line in STYLES[style](sorted(rows, key=_order)))


Row = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, datetime]


def _order(row: Row) -> tuple[int, int, int]:
    network = row[0]
    return network.version, int(network.network_address), network.prefixlen


def _plain(rows: Iterable[Row]) -> Iterator[str]:
    yield from (str(network) for network, _ in rows)


def _nginx(rows: Iterable[Row]) -> Iterator[str]:
    """https://nginx.org/en/docs/http/ngx_http_access_module.html: to be included in a server or location."""
    yield from (f"deny {network};  # until {until:%Y-%m-%dT%H:%MZ}" for network, until in rows)


def _fail2ban(rows: Iterable[Row]) -> Iterator[str]:
    """Lines for a shell: the jail holds them for its own ban time (``man fail2ban-client``, ``set JAIL banip``)."""
    yield from (f'fail2ban-client set "${{JAIL:?name the jail}}" banip {network}' for network, _ in rows)


def _aws_waf(rows: Iterable[Row]) -> Iterator[str]:
    """Addresses of ``aws wafv2 update-ip-set --cli-input-json``: an IP set is of one version of IP, so two lists.

    https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateIPSet.html
    """
    versions: dict[str, list[str]] = {"IPV4": [], "IPV6": []}
    for network, _ in rows:
        versions[f"IPV{network.version}"].append(str(network))
    yield json.dumps(versions, indent=2)


STYLES: Mapping[str, Callable[[Iterable[Row]], Iterator[str]]] = {
    "plain": _plain, "nginx": _nginx, "fail2ban": _fail2ban, "aws-waf": _aws_waf,
}  # fmt: skip
"""The forms in which blocks are exported."""
