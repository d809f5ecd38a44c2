"""The Redis probe: connect as any client does, PING, go."""

from __future__ import annotations

import asyncio
import time

from hutch.model.finding import Object
from hutch.model.probe import SHOWN, Probed
from hutch.ports import Probe, ProbeTarget
from hutch.providers.redis.client import Client
from hutch.providers.redis.config import config_from
from hutch.providers.redis.errors import UNREACHABLE, Kind, RedisError


def opened(target: ProbeTarget) -> Probe:
    """The probe. ``ValueError``, without quoting it, for what is no address of a server."""
    seconds = float(target.timeout)
    config = config_from({"url": target.target, "connect_timeout": seconds, "timeout": seconds})
    where = Client(config.url, config).where
    thing = Object("host", where)

    async def look() -> Probed:
        client, began = Client(config.url, config), time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                pinged = await client.ping()
        except TimeoutError:
            return Probed(False, f"{where}: no answer within {seconds:g} s", _since(began), False, _DEAD, thing)
        except RedisError as error:
            code, answered = _code(error.kind), error.kind not in (Kind.REFUSED, Kind.SILENT)
            which = Object("setting", "maxclients") if error.kind is Kind.FULL else thing
            return Probed(False, str(error)[:SHOWN], _since(began), answered, code, which if code else None)
        finally:
            await client.close()
        total = _since(began)["total"]
        phases = {"connect": round(max(0.0, total - pinged), 6), "first_byte": total, "total": total}
        return Probed(True, "PONG", phases, answered=True)

    return look


_DEAD = "redis.unreachable"


def _code(kind: Kind) -> str:
    if kind in UNREACHABLE:
        return _DEAD
    return "redis.clients_exhausted" if kind is Kind.FULL else ""


def _since(began: float) -> dict[str, float]:
    return {"total": round(time.monotonic() - began, 6)}
