"""Makes the picture of a breach's room for docs: RoleRabbit on its platform, data that leaves with a stolen token, a
breach that is contained and assessed, and its page.

Usage: ``python tools/breach_picture.py``. Needs Chromium; writes ``docs/images/breach.png``.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from playwright.sync_api import Page, expect, sync_playwright
from screenshot import IMAGES, NAMES, photograph

HUTCH = Path(sys.executable).with_name("hutch")
PASSWORD = secrets.token_urlsafe(12)
WITHIN = 120.0
"""Seconds that a program may take to be up."""


def ask(url: str, body: object, token: str = "", method: str = "POST", address: str = "") -> Any:
    """What the service answers, behind the proxy that we are."""
    headers = {"Content-Type": "application/json", "X-Forwarded-For": address or "198.51.100.4"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    data = None if method == "GET" else json.dumps(body).encode()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        connection.request(method, parts.path, data, headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise SystemExit(f"{method} {parts.path}: {answer.status}")
    return json.loads(said or b"null")


@contextmanager
def platform(folder: Path) -> Iterator[dict[str, Any]]:
    """RoleRabbit on its platform, trusting the proxy; what it says of itself."""
    words = [sys.executable, "-m", "rolerabbit", "platform", "run", "--data", str(folder / "data")]
    ready = folder / "ready.json"
    with (folder / "platform.log").open("wb") as out:
        process = subprocess.Popen(
            [*words, "--ready-file", str(ready), "--exit-on-eof"], stdin=subprocess.PIPE, stdout=out, stderr=out
        )
        try:
            until(ready.exists)
            told: dict[str, Any] = json.loads(ready.read_text())
            env = {"TRUSTED_PROXIES": "127.0.0.1/32"}
            ask(told["api_url"] + "/releases", {"id": "release-43", "env": env}, told["token"])
            ask(told["api_url"] + "/deployments", {"release": "release-43"}, told["token"])
            yield told
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(60)


def until(so: Any) -> None:
    """Wait until it is so. Raises ``SystemExit`` where it never is."""
    deadline = time.monotonic() + WITHIN
    while not so():
        if time.monotonic() > deadline:
            raise SystemExit("it is not up in time")
        time.sleep(0.1)


def used(app: str) -> dict[str, str]:
    """Users, a token that is stolen and used; the account of ours, with its token and session."""
    people = {}
    for name in ("canary", "ann", "bob", "eva"):
        account = {"email": f"{name}@example.com", "password": PASSWORD}
        ask(app + "/api/auth/register", account)
        people[name] = ask(app + "/api/auth/login", account)["token"]
    for name, exports in (("ann", 9), ("bob", 7), ("eva", 1)):
        for number in range(exports):
            where = "198.51.100.9" if name == "eva" else f"198.18.0.{7 + number % 3}"
            ask(app + "/api/account/export", None, people[name], "GET", where)
            time.sleep(0.4)
    token = ask(app + "/api/account/tokens", {"label": "canary"}, people["canary"])["token"]
    return {"CANARY_PASSWORD": PASSWORD, "CANARY_TOKEN": token, "CANARY_SESSION": people["canary"]}


def configured(folder: Path, ready: dict[str, Any]) -> None:
    """``hutch.yaml``; what is secret stands in the environment."""
    for name, key in {"READER": "reader_url", "OPERATOR": "operator_url", "PLATFORM": "token"}.items():
        os.environ[name] = ready[key]
    os.environ.update(used(ready["app_url"]) | {"HUTCH_ACTOR": "olivia"})
    access = {"url": ready["app_url"], "email": "canary@example.com"}
    access |= {name: {"env": f"CANARY_{name.upper()}"} for name in ("password", "token", "session")}
    service = {
        "audit": {"url": {"env": "READER"}, "operator_url": {"env": "OPERATOR"}},
        "local": {"url": ready["api_url"], "token": {"env": "PLATFORM"}},
        "access": access,
    }
    (folder / "hutch.yaml").write_text(yaml.safe_dump({"mode": "act", "services": {"rolerabbit": service}}))


def contained(folder: Path) -> str:
    """A breach up to the letters, by the commands."""

    def hutch(*words: str) -> str:
        done = subprocess.run([HUTCH, "breach", *words], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout

    incident = str(json.loads(hutch("open", "--name", "amber kestrel", "--aware", "4m", "--json"))["incident"])
    hutch("contain", incident, "--closed", "rolled back release 43, whose log held tokens", "--yes")
    hutch("assess", incident, "--from", "10m", "--address", "198.18.0.0/28", "--keep")
    return incident


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the server."""
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen([HUTCH, "serve", "--port", "0"], cwd=folder, stdout=out, stderr=out)
    try:
        until(lambda: "http://127.0.0.1:" in log.read_text() or process.poll() is not None)
        yield "http://127.0.0.1:" + log.read_text().partition("http://127.0.0.1:")[2].split()[0].strip("/.,")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def room(page: Page) -> None:
    """The gates with their proofs."""
    expect(page.locator("#gate-prove")).to_contain_text("old token: 401")
    page.set_viewport_size({"width": 1200, "height": 1500})


def main() -> None:
    """The picture."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with tempfile.TemporaryDirectory(prefix="hutch-picture-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with platform(folder) as ready:
            configured(folder, ready)
            incident = contained(folder)
            with served(folder) as url, sync_playwright() as playwright:
                options = ["--no-sandbox"] if os.geteuid() == 0 else []
                browser = playwright.chromium.launch(executable_path=found, args=options)
                photograph(browser, f"{url}/breach/{incident}", "light", IMAGES / "breach.png", room)
                browser.close()


if __name__ == "__main__":
    main()
