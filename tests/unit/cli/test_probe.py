"""``hutch probe``: what is configured, and one look by hand."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli

CONFIG = """
services:
  shop: {{http: {{url: "http://127.0.0.1:9"}}}}
probes:
  - {{name: port, kind: tcp, target: "localhost:{port}", interval: 5s, locations: [local, fra]}}
  - {{name: gone, kind: tcp, target: "127.0.0.1:1"}}
  - {{name: hidden, kind: redis, target: {{env: NO_SUCH_VARIABLE}}}}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUTCH_CONFIG", raising=False)


@pytest.fixture(autouse=True)
def listening(home: None, tmp_path: Path) -> object:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "hutch.yaml").write_text(CONFIG.format(port=server.getsockname()[1]))
        yield server


def hutch(*words: str) -> Result:
    return CliRunner().invoke(cli, ["probe", *words])


def test_a_look_by_hand_shows_the_phases_as_curl_does() -> None:
    done = hutch("run", "port")
    assert done.exit_code == 0, done.output
    head, *times = done.output.splitlines()
    assert head.startswith("port: ok  localhost:")
    assert [line.split(":")[0].strip() for line in times] == ["time_namelookup", "time_connect", "time_total"]


def test_a_look_that_fails_ends_with_3() -> None:
    done = hutch("run", "gone", "--json")
    [seen] = json.loads(done.output)
    assert done.exit_code == 3
    assert (seen["success"], seen["cause"], seen["location"]) == (False, "tcp.unreachable", "local")
    assert set(seen["times"]) == {"time_namelookup", "time_total"}


def test_an_unknown_name_and_a_missing_secret_are_said() -> None:
    done = hutch("run", "prot")
    assert str(done.exception) == "there is no probe 'prot'; did you mean 'port'?"
    assert "NO_SUCH_VARIABLE" in str(hutch("run", "hidden").exception)
