"""``hutch review``: documents from the timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hutch.cli.shell import actor, ago, as_json, emit, span, table, with_context
from hutch.commands import past, reviews
from hutch.commands.context import Context
from hutch.model.event import instant
from hutch.review.wording import one_line


@click.group()
def review() -> None:
    """Updates and post-incident reviews, drafted from what happened."""


@review.command()
@click.argument("incident_id")
@click.option("--out", default="", help="Write to this file instead of the store's folder.")
def draft(incident_id: str, out: str) -> None:
    """Write a draft of the post-incident review; prints where."""
    path = with_context(lambda c: reviews.write_review(c, incident_id, actor(), Path(out) if out else None))
    click.echo(str(path))


@review.command()
@click.argument("incident_id")
def show(incident_id: str) -> None:
    """Print the review as it would be drafted now."""
    click.echo(with_context(lambda c: reviews.draft_review(c, incident_id)))


@review.command()
@click.argument("incident_id")
@click.argument("file", default="")
@click.option("--with-gaps", is_flag=True, help="Although it still asks questions.")
def publish(incident_id: str, file: str, with_gaps: bool) -> None:
    """Put the finished review (FILE, or the draft in the store's folder) on record: that promise is met."""
    path = Path(file) if file else None
    found = with_context(lambda c: reviews.publish(c, incident_id, path, actor(), with_gaps))
    clock = next((c for c in reversed(found.clocks) if c.name == "review"), None)
    late = f", late by {span(clock.late_by)}" if clock and clock.late_by else ""
    click.echo(f"{incident_id}: the review is published{late}")


@review.command("list")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many of each.")
@as_json
def list_(limit: int, json_out: bool) -> None:
    """Resolved incidents: whose review is owed, and which are published."""

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        return [
            {
                "id": state.id,
                "severity": state.severity.label,
                "title": state.title,
                "review": f"due {ago(due, now)}" if due else "published",
                "due": instant(due) if due else None,
            }
            for state, due in await past.owed(context, limit)
        ]

    rows = with_context(go)
    emit(rows) if json_out else table(rows, ["id", "severity", "review", "title"], "no incident was resolved yet")


@review.command()
@click.argument("words", nargs=-1, required=True)
@as_json
def search(words: tuple[str, ...], json_out: bool) -> None:
    """Published reviews that hold every word."""
    hits = with_context(lambda c: past.search(c, " ".join(words)))
    rows = [
        {"id": h.incident, "published": h.published_at.date(), "title": h.title, "line": one_line(h.line)} for h in hits
    ]
    emit(rows) if json_out else table(rows, ["id", "published", "title", "line"], "no published review holds that")
