"""The machine's own Chromium, started once: each test asks it for contexts of its own, which share nothing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STARTED: Final = 60.0
"""Seconds within which it says where it listens."""

ARGUMENTS: Final = (
    "--headless", "--remote-debugging-port=0", "--no-first-run", "--no-default-browser-check", "--hide-scrollbars",
    "--mute-audio", "--disable-dev-shm-usage", "--disable-extensions", "--disable-component-update", "--disable-sync",
    "--disable-background-networking", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows", "--disable-ipc-flooding-protection", "--disable-hang-monitor",
    "--disable-prompt-on-repost", "--disable-search-engine-choice-screen", "--force-color-profile=srgb",
    "--metrics-recording-only", "--password-store=basic", "--use-mock-keychain", "--no-service-autorun",
    "--disable-features=Translate,OptimizationHints,MediaRouter,PreloadTopChromeWebUI,HttpsUpgrades,PaintHolding",
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
)  # fmt: skip
"""Nothing by itself over the network, pages in the background as live as the one in front, a mouse that hovers."""


@contextmanager
def running(program: str, folder: Path) -> Iterator[str]:
    """The address at which it is asked, on loopback alone, till the block ends. ``RuntimeError`` where it is silent."""
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    words = [program, *ARGUMENTS, *rights, f"--user-data-dir={folder}", "about:blank"]
    null = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=null, stdout=null, stderr=null) as process:
        try:
            yield _address(process, folder / "DevToolsActivePort")
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes], told: Path) -> str:
    until = time.monotonic() + STARTED
    while time.monotonic() < until and process.poll() is None:
        lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not say where it listens (exit code {process.poll()})")
