"""A local runbook of ten steps, beside ansible-core's ``shell`` tasks: wall time for each step."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import yaml

from bench.measure import Figure, Goal, Ratio, parts, per_round
from bench.room import scratch
from hutch.bootstrap.wire import open_context
from hutch.commands import respond
from hutch.commands.worker import Worker

STEPS = 10

HOME = Path.home() / ".cache" / "hutch-bench" / "ansible"
"""The bench's own environment for ansible-core: made once, outside the repository."""

HOW = (
    "A run of ten shell reads through the real worker, engine, SQLite store and shell provider, from its start to its "
    "end being durable, divided by ten; over a playbook of ten `shell` tasks of ansible-core on this machine "
    "(connection local, no facts), the same way. Each side starts once a round: the playbook's start is part of its "
    "time, as nobody runs it without. The goal is a fiftieth."
)


def measure(quick: bool) -> Figure:
    """Rounds that take turns; without ansible-core (no index to fetch it from) it is said, and nothing is measured."""
    rounds = 1 if quick else 5
    with scratch() as folder:
        playbook = _playbook(folder)
        program = _ansible()
        found = [
            {"hutch step (s)": asyncio.run(_hutch(folder, n)), "ansible step (s)": _play(program, playbook)}
            for n in range(rounds)
        ]
    value = per_round(found, lambda r: r["hutch step (s)"] / r["ansible step (s)"])
    ratio = Ratio("a step of ten", "a shell task of ansible-core", value, Goal(1 / 50), parts(found, *found[0]))
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return Figure("ansible", "Beside ansible-core", HOW, (ratio,), {"ansible": version})


def _ansible() -> str:
    """Its program, installed on first use. Raises ``RuntimeError`` where it cannot be fetched."""
    program = HOME / "bin" / "ansible-playbook"
    if not program.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        done = subprocess.run(
            [str(HOME / "bin" / "pip"), "install", "--quiet", "ansible-core"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"ansible-core cannot be installed: {done.stderr.strip()[-300:]}")
    return str(program)


def _playbook(folder: Path) -> Path:
    tasks = [{"name": f"step {n}", "shell": f"echo step {n}"} for n in range(STEPS)]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump([play]), encoding="utf-8")
    return path


def _play(program: str, playbook: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [program, "-i", "localhost,", "-e", f"ansible_python_interpreter={HOME}/bin/python", str(playbook)],
        capture_output=True,
        text=True,
        check=False,
        cwd=playbook.parent,
    )
    if done.returncode or f"ok={STEPS}" not in done.stdout:
        raise RuntimeError(f"the playbook failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return (time.perf_counter() - began) / STEPS


async def _hutch(folder: Path, number: int) -> float:
    place = folder / f"hutch-{number}"
    place.mkdir()
    blocks = "\n".join(f"```bash\necho step {n}\n```\n" for n in range(STEPS))
    (place / "ten.md").write_text(f"# Ten\n\n## Ten\n\n### Diagnosis\n\n{blocks}", encoding="utf-8")
    (place / "hutch.yaml").write_text("runbooks: [ten.md]\nservices: {shop: {}}\n", encoding="utf-8")
    context = open_context(place / "hutch.yaml")
    worker = Worker(context)
    began = time.perf_counter()
    run = await respond.run_document(context, "ten", "shop")
    while not run.finished:
        if not await worker.step(f"run:{run.id}"):
            await context.queue.wait(0.05)
        run = await worker.driver.load(run.id)
    took = time.perf_counter() - began
    await context.close()
    if list(run.read.values()) != ["passed"] * STEPS:
        raise RuntimeError(f"the run did not pass: {run.read}")
    return took / STEPS
