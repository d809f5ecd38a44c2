"""``hutch demo``: a real fault in a real service, from alert to review, on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from pathlib import Path

import click

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import FAULTS, PLATFORMS, Stage
from hutch.cli.demo_story import Story
from hutch.cli.main import resolve
from hutch.cli.shell import quiet_logs

UNTIL = ("healthy", "fault", "resolved")


@click.command()
@click.option("--fault", type=click.Choice(sorted(FAULTS)), default="leak", show_default=True, help="What goes wrong.")
@click.option(
    "--platform",
    type=click.Choice(sorted(PLATFORMS)),
    default="local",
    show_default=True,
    help="The API by which Hutch deploys, rolls back and reads logs.",
)
@click.option("--yes", is_flag=True, help="Approve the first remedy; without it you are asked.")
@click.option("--keep", is_flag=True, help="Leave everything up at the end, until Ctrl-C.")
@click.option("--until", type=click.Choice(UNTIL), default="resolved", show_default=True, help="Stop the story there.")
@click.option(
    "--time-scale",
    default=60.0,
    show_default=True,
    help="Divides signal windows, rule durations and the regression watch.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to keep everything; default: a new temporary folder.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing.")
@click.option("--json", "json_out", is_flag=True, help="The story's events as NDJSON on stdout: at, kind, data.")
def demo(
    fault: str,
    platform: str,
    yes: bool,
    keep: bool,
    until: str,
    time_scale: float,
    folder: Path | None,
    no_input: bool,
    json_out: bool,
) -> None:
    """The whole story on this machine: a release breaks a real service, Hutch finds why, you approve the way back.

    Starts an embedded Postgres, the service RoleRabbit under load, and Hutch, on free ports. Nothing is installed
    and nothing but 127.0.0.1 is reached.
    """
    if time_scale <= 0:
        raise click.UsageError("--time-scale must be above 0")
    quiet_logs()
    where = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="hutch-demo-"))
    where.mkdir(parents=True, exist_ok=True)
    ask = not yes and not no_input and not json_out and sys.stdin.isatty()
    story = Story(json_out=json_out, ask=ask, yes=yes, time_scale=time_scale)
    asyncio.run(_demo(Stage(where, fault, time_scale, platform=platform), story, until, keep))


async def _demo(stage: Stage, story: Story, until: str, keep: bool) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    story.say("Hutch demo: embedded Postgres, RoleRabbit under load, Hutch. Everything on 127.0.0.1.")
    server = resolve("hutch.web.server")
    async with stage.standing() as ready:
        listener = server.listen(0)
        context = open_context(stage.config_path, apart=True)
        port = listener.getsockname()[1]
        story.places(stage, ready, port)
        try:
            async with server.serving(context, listener) as monitor, stage.load(ready):
                await story.healthy(context, monitor.watches)
                if until != "healthy":
                    await story.fault(context, stage, ready)
                if until == "fault":
                    await story.diagnosed(context)
                if until == "resolved":
                    await story.resolved(context)
                if keep:
                    await _kept(story)
        finally:
            await context.close()
    story.say("Everything is stopped.")


async def _kept(story: Story) -> None:
    story.say("\nEverything stays up for a look. Ctrl-C ends it.")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
