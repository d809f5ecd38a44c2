"""How a standby's delay is told, by the check that sees it and by the cause that names it."""

from __future__ import annotations

from hutch.providers.postgres.items import Item, number

MEGABYTE = 1024.0 * 1024.0


def lag_line(row: Item) -> str:
    """How far a standby is behind, and where it hangs."""
    parts = {"unsent": "not sent", "in_flight": "on the way", "unplayed": "received and not replayed"}
    most = max(parts, key=lambda name: number(row, name))
    seconds = f", {number(row, 'seconds'):.0f} s" if row["seconds"] else ""
    behind = number(row, "behind") / MEGABYTE
    return f"standby {row['standby']} ({row['state']}) is {behind:.0f} MB behind{seconds}: {parts[most]}"
