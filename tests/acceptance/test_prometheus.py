"""The whole way of an alert with a team's own tools: a real Prometheus scrapes RoleRabbit, fires the rules that Hutch
exported, and a real Alertmanager delivers them to Hutch, where an incident opens and hears of the end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import yaml

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage
from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.model.incident import Incident
from hutch.web.server import listen, serving

HUTCH = str(Path(sys.executable).with_name("hutch"))
TOKEN = "from-alertmanager-7c1e"
RULES = [
    {"name": "Traffic Seen", "condition": "request_rate > 0.1/s", "duration": "1s", "severity": "SEV-3"},
    {"name": "Never", "condition": "error_rate > 99%", "duration": "1s", "severity": "SEV-1"},
]
INGEST = [{"source": "alertmanager", "token": {"file": "am_token"}}]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def program(log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs it for as long as the block lasts."""
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def hutch(config: Path) -> AsyncIterator[tuple[Context, int]]:
    context = open_context(config)
    listener = listen(0)
    async with serving(context, listener):
        yield context, listener.getsockname()[1]
    await context.close()


def settings_of_alertmanager(port: int) -> str:
    hook = {
        "url": f"http://127.0.0.1:{port}/api/v1/ingest/alertmanager",
        "send_resolved": True,
        "http_config": {"authorization": {"credentials": TOKEN}},
    }
    route = {"receiver": "hutch", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1m"}
    return yaml.safe_dump({"route": route, "receivers": [{"name": "hutch", "webhook_configs": [hook]}]})


def settings_of_prometheus(app: str, manager: int) -> str:
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
            "scrape_configs": [
                {"job_name": "rolerabbit", "static_configs": [{"targets": [app.removeprefix("http://")]}]}
            ],
        }
    )


async def until(context: Context, what: str, seconds: float = 60) -> Incident:
    """The one incident, once its alert is open or over."""
    ends = time.monotonic() + seconds
    found: list[Incident] = []
    while time.monotonic() < ends:
        found = await incidents.listing(context)
        if found and bool(found[0].open_alerts) == (what == "firing"):
            return found[0]
        await asyncio.sleep(0.2)
    raise AssertionError(f"not {what}: {found}")


@pytest.mark.timeout(240)
async def test_from_a_scrape_to_an_incident_and_back(tmp_path: Path) -> None:
    changes = {"alerts": RULES, "ingest": INGEST, "scrape_every": "1h", "time_scale": 1.0}
    stage = Stage(tmp_path, "leak", 1.0, changes=changes)
    (tmp_path / "am_token").write_text(TOKEN)
    async with stage.standing() as ready:
        rules = await asyncio.to_thread(
            subprocess.run,
            [HUTCH, "--config", str(stage.config_path), "rules", "export", "--format", "prometheus"],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        (tmp_path / "rules.yml").write_text(rules.stdout.replace("[1m]", "[10s]"))  # so that the end comes sooner
        config = yaml.safe_load(stage.config_path.read_text())
        stage.config_path.write_text(yaml.safe_dump({**config, "alerts": []}))  # Prometheus alone judges them now
        async with hutch(stage.config_path) as (context, port):
            manager, server = free_port(), free_port()
            (tmp_path / "am.yml").write_text(settings_of_alertmanager(port))
            (tmp_path / "prometheus.yml").write_text(settings_of_prometheus(str(ready["api_url"]), manager))
            started = (
                program(tmp_path / "am.log", "prometheus-alertmanager", "--config.file=am.yml", "--storage.path=am",
                        f"--web.listen-address=127.0.0.1:{manager}", "--cluster.listen-address="),
                program(tmp_path / "prometheus.log", "prometheus", "--config.file=prometheus.yml",
                        "--storage.tsdb.path=tsdb", f"--web.listen-address=127.0.0.1:{server}"),
            )  # fmt: skip
            with started[0], started[1]:
                try:
                    async with stage.load(ready):
                        opened = await until(context, "firing", 90)
                    assert opened.title.startswith("Traffic Seen")
                    assert (opened.service, opened.severity.label) == ("rolerabbit", "SEV-3")
                    over = await until(context, "resolved", 120)
                except AssertionError as error:
                    logs = "\n".join((tmp_path / n).read_text()[-2000:] for n in ("am.log", "prometheus.log"))
                    raise AssertionError(f"{error}\n{logs}") from error
                assert over.id == opened.id
                events = await context.store.read(f"incident:{opened.id}")
                assert [e.kind for e in events].count("alert.fired") == 1
