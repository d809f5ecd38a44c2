from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rolerabbit.embedded.server import free_port
from rolerabbit.platform.cli import platform
from rolerabbit.platform.client import Client, ClientError


@pytest.mark.parametrize(
    "command", ["run", "releases", "register", "deploy", "rollback", "restart", "start", "stop", "scale", "logs"]
)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(platform, [command, "--help"])
    assert result.exit_code == 0
    assert "--ready-file" in result.output


def test_a_platform_must_be_named() -> None:
    result = CliRunner().invoke(platform, ["status"])
    assert result.exit_code == 2
    assert "--ready-file PATH" in result.output


def test_a_missing_ready_file_means_unreachable(tmp_path: Path) -> None:
    result = CliRunner().invoke(platform, ["status", "--ready-file", str(tmp_path / "none.json")])
    assert result.exit_code == 5
    assert "does the platform run?" in result.output


def test_a_platform_that_does_not_answer(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"api_url": f"http://127.0.0.1:{free_port()}", "token": "t0ken"}))
    result = CliRunner().invoke(platform, ["status", "--ready-file", str(ready)])
    assert result.exit_code == 5
    assert "t0ken" not in result.output


def test_bounds_are_usage_errors() -> None:
    result = CliRunner().invoke(platform, ["run", "--data", "d", "--ready-file", "r", "--replicas", "9"])
    assert result.exit_code == 2


def test_an_environment_pair_without_a_value() -> None:
    result = CliRunner().invoke(platform, ["register", "43", "--env", "RR_FAULT", "--url", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "expected NAME=VALUE" in result.output


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"api_url": "http://127.0.0.1:1"}'])
def test_a_file_that_is_no_ready_file(tmp_path: Path, text: str) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(text)
    with pytest.raises(ClientError, match="no ready file"):
        Client.of_ready_file(ready)


def test_only_http_addresses_are_called() -> None:
    with pytest.raises(ClientError, match="is no address"):
        Client("file:///etc/hostname", "").get("")


def test_the_token_is_not_shown() -> None:
    assert "t0ken" not in repr(Client("http://127.0.0.1:1", "t0ken"))
