"""Makes the pictures of README and docs: starts the demo, waits for the incident with its remedies, and photographs
its page and that of a runbook.

Usage: ``python tools/screenshot.py [--fault NAME]``. Needs Chromium; writes ``docs/images``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
HUTCH = Path(sys.executable).with_name("hutch")
NAMES = ("chromium", "chromium-browser", "google-chrome")
WITHIN = 150.0
"""Seconds that the demo may take to the diagnosis."""

RUNBOOK = "/runbooks/postgres-connections"
"""The runbook that is photographed."""

MOST = 400_000
"""Bytes of one picture."""


@contextmanager
def demo(fault: str) -> Iterator[str]:
    """The demo, stopped where its remedies wait; gives the address of the incident's page."""
    with tempfile.TemporaryDirectory(prefix="hutch-screenshot-") as folder:
        log = Path(folder) / "demo.log"
        words = [HUTCH, "demo", "--fault", fault, "--keep", "--until", "fault", "--no-input", "--dir", folder]
        environment = {**os.environ, "HUTCH_ACTOR": "olivia"}
        with log.open("wb") as out:
            process = subprocess.Popen(words, stdout=out, stderr=out, env=environment, start_new_session=True)
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"Watch it live: (\S+)", said)
        if found and "Everything stays up" in said:
            return found[1]
        time.sleep(0.2)
    raise SystemExit(f"the demo did not come to its remedies:\n{log.read_text(encoding='utf-8', errors='replace')}")


def incident(page: Page) -> None:
    """The first remedy waits."""
    expect(page.locator("#remedy-1").get_by_role("button", name="Approve")).to_be_in_viewport()


def runbook(page: Page) -> None:
    """From the first card of a step on."""
    expect(page.locator(".stepcard").first).to_be_in_viewport()


def photograph(browser: Browser, url: str, scheme: str, path: Path, ready: Callable[[Page], None]) -> None:
    """The top of the page, as it stands on a laptop."""
    dark = scheme == "dark"
    context = browser.new_context(
        viewport={"width": 1200, "height": 860}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#link-word")).to_have_text("live")
    ready(page)
    page.screenshot(path=path)
    context.close()
    size = path.stat().st_size
    if size > MOST:
        raise SystemExit(f"{path.name} has {size} bytes; at most {MOST}")
    print(f"{path.relative_to(IMAGES.parents[1])}: {size // 1000} kB")


def main() -> None:
    """All pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", default="leak")
    given = parser.parse_args()
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise SystemExit("no Chromium on this machine: apt-get install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with demo(given.fault) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=options)
        photograph(browser, url, "light", IMAGES / "incident.png", incident)
        photograph(browser, url, "dark", IMAGES / "incident-dark.png", incident)
        photograph(browser, urljoin(url, RUNBOOK), "light", IMAGES / "runbook.png", runbook)
        browser.close()


if __name__ == "__main__":
    main()
