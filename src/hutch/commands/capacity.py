"""Is it capacity? Asked before a service is scaled, whoever asks for it: a person, a runbook, a remedy."""

from __future__ import annotations

from collections.abc import Mapping

from hutch.commands.context import Context, Service
from hutch.commands.diagnose import diagnose
from hutch.diagnosis.capacity import against
from hutch.model.platform import NO_ROOM, Standing, Unanswered, figure
from hutch.ports import Connection

SCALE, DESPITE = "service.scale", "despite"
Args = Mapping[str, object]


async def unfounded(context: Context, service: Service, connection: Connection, args: Args) -> str:
    """Why scaling would not end what is wrong, or would bring it about, as the service is now; masked.

    Nothing where somebody scales ``despite`` that, where only the cache is set, and where no platform tells how many
    run: the action says then what it can't reach.
    """
    if args.get(DESPITE) or connection.platform is None:
        return ""
    try:
        found = await connection.platform.standing()
    except Unanswered:
        return ""
    if not _room(found, args):
        return ""
    causes = (await diagnose(context, service)).causes
    return context.secrets.mask(against(causes, more=_grows(found, args)))


def _room(found: Standing, args: Args) -> bool:
    """Whether anything else is set than what makes no room."""
    sizes = {name for name, size in found.sizes.items() if figure(args.get(name)) not in (None, size)}
    return not sizes or not sizes <= NO_ROOM or figure(args.get("replicas")) not in (None, found.replicas)


def _grows(found: Standing, args: Args) -> bool:
    sizes = ((figure(args.get(name)), size) for name, size in found.sizes.items() if name not in NO_ROOM)
    more = any(wanted is not None and wanted > size for wanted, size in sizes)
    return more or (figure(args.get("replicas")) or 0) > found.replicas
