"""`rolerabbit load`: the load generator on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import click

from rolerabbit.loadgen import CROWD, LoadError, Plan, run


@click.command()
@click.option("--url", required=True, help="Where the service listens; loopback only.")
@click.option("--rate", type=click.FloatRange(0.1, 500), default=20.0, show_default=True, help="Requests a second.")
@click.option("--seconds", type=click.FloatRange(0.1, 86_400), default=10.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same requests.")
@click.option("--peak", type=click.FloatRange(1, 100), default=1.0, show_default=True, help="Times the rate, midway.")
@click.option(
    "--forwarded-for",
    metavar="NETWORK",
    default=CROWD,
    show_default=True,
    help="Visitors come from addresses of it, by X-Forwarded-For; '' sends none.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--exit-on-eof", is_flag=True, help="Stop when standard input ends, as when the starting process dies.")
def load(
    url: str,
    rate: float,
    seconds: float,
    seed: int,
    peak: float,
    forwarded_for: str,
    as_json: bool,
    exit_on_eof: bool,
) -> None:
    """Send requests as visitors make them, at a steady rate, and say what came back. Stops on SIGTERM and SIGINT."""
    try:
        plan = Plan(url, rate, seconds, seed, forwarded_for, peak).check()
    except LoadError as error:
        raise click.UsageError(str(error)) from error
    report, interrupted = asyncio.run(_run_until_signal(plan, exit_on_eof))
    click.echo(json.dumps(report) if as_json else as_text(report))
    if interrupted:
        sys.exit(130)


def as_text(report: dict[str, Any]) -> str:
    """The report for people."""
    answers = ", ".join(f"{count} × {status}" for status, count in report["by_status"].items()) or "none"
    missing = ", ".join(f"{count} × {name}" for name, count in report["without_answer"].items()) or "none"
    failed = ((kind, counts["failed"]) for kind, counts in report["by_kind"].items())
    kinds = ", ".join(f"{count} × {kind}" for kind, count in failed if count) or "none"
    lines = (
        f"{report['requests']} requests in {report['seconds']} s",
        f"failed: {report['failed']}, skipped: {report['skipped']}",
        f"answers: {answers}",
        f"without an answer: {missing}",
        f"failed by kind: {kinds}",
        f"latency: p50 {report['p50_ms']} ms, p95 {report['p95_ms']} ms",
    )
    return "\n".join(lines)


async def _run_until_signal(plan: Plan, exit_on_eof: bool) -> tuple[dict[str, Any], bool]:
    stop, loop, got = asyncio.Event(), asyncio.get_running_loop(), list[signal.Signals]()

    def note(which: signal.Signals) -> None:
        got.append(which)
        stop.set()

    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, note, which)
    if exit_on_eof:
        stop_on_eof(stop, loop)
    return await run(plan, stop), signal.SIGINT in got


def stop_on_eof(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Set ``stop`` once standard input, a pipe from the process that started us, has ended."""

    def ended() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            stop.set()

    loop.add_reader(sys.stdin.fileno(), ended)
