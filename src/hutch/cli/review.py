"""``hutch review``: documents from the timeline."""

from __future__ import annotations

from pathlib import Path

import click

from hutch.cli.shell import actor, with_context
from hutch.commands import reviews


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
