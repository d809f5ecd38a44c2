"""Replicas as real processes on one inherited socket, under the load generator."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "rolerabbit")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as sock:
        yield sock


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def replica(listener: socket.socket, url: str, log: Path, release: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DATABASE_URL": url, "RR_RELEASE": release, "RR_ENV": "development"}
    args = (*COMMAND, "serve", "--fd", str(listener.fileno()), "--metrics-port", str(port))
    with log.open("wb") as out:
        process = subprocess.Popen(args, env=environment, pass_fds=[listener.fileno()], stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 15
        while not answers(port):
            assert time.monotonic() < deadline
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return b"rolerabbit_build_info" in scrape(port).encode()
    return False


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def served(port: int) -> float:
    lines = [line for line in scrape(port).splitlines() if line.startswith("http_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_who_is_connected_when_a_replica_is_told_to_end_is_answered(
    listener: socket.socket, database_url: str, tmp_path: Path
) -> None:
    with replica(listener, database_url, tmp_path / "log", "1", free_port()) as process:
        with socket.create_connection(listener.getsockname(), timeout=20) as client:
            time.sleep(0.3)  # the replica has taken it, and waits for its request
            process.terminate()
            time.sleep(0.3)
            client.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        assert process.wait(20) == 0


@pytest.mark.slow
def test_two_replicas_share_the_load_and_one_may_leave(
    listener: socket.socket, database_url: str, tmp_path: Path
) -> None:
    url, ports = f"http://127.0.0.1:{listener.getsockname()[1]}", (free_port(), free_port())
    logs = (tmp_path / "one.log", tmp_path / "two.log")
    with (
        replica(listener, database_url, logs[0], "42", ports[0]) as first,
        replica(listener, database_url, logs[1], "43", ports[1]) as second,
    ):
        load = subprocess.Popen(
            (*COMMAND, "load", "--url", url, "--rate", "30", "--seconds", "5", "--json"), stdout=subprocess.PIPE
        )
        time.sleep(2.5)
        assert served(ports[0]) > 0
        assert served(ports[1]) > 0
        first.terminate()
        assert first.wait(8) == 0
        out, _ = load.communicate(timeout=20)
        report = json.loads(out)
        assert (report["requests"], report["failed"], report["skipped"]) == (150, 0, 0)
        assert report["p95_ms"] < 2000
        second.send_signal(signal.SIGTERM)
        assert second.wait(8) == 0
    assert [log.read_text() for log in logs] == ["", ""]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_load_generator_reports_when_it_is_stopped(
    listener: socket.socket, sent: signal.Signals, code: int
) -> None:
    port = free_port()
    process = subprocess.Popen(
        (*COMMAND, "load", "--url", f"http://127.0.0.1:{port}", "--rate", "20", "--seconds", "600", "--json"),
        stdout=subprocess.PIPE,
    )
    time.sleep(2.5)
    process.send_signal(sent)
    out, _ = process.communicate(timeout=15)
    assert process.returncode == code
    report = json.loads(out)
    assert report["failed"] == report["requests"] > 0
    assert report["without_answer"] == {"ClientConnectorError": report["requests"]}


def test_a_taken_port_and_a_wrong_descriptor_are_one_clear_error(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "RR_ENV": "development"}
    for args, code, message in (
        (("--port", str(port)), 1, f"can't listen on 127.0.0.1:{port}: Address already in use"),
        (("--fd", "77"), 2, "--fd 77: not an open socket"),
    ):
        done = subprocess.run((*COMMAND, "serve", *args), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert message in done.stderr
        assert "Traceback" not in done.stderr
