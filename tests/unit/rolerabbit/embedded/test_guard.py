from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from rolerabbit.embedded import guard
from rolerabbit.embedded.guard import Orders, alive

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def orders(*lines: str) -> Orders:
    found = Orders()
    for line in lines:
        found.take(f"{line}\n")
    return found


def test_orders_are_taken_and_taken_back() -> None:
    found = orders("watch 7 15 2.0", "watch 8 2 1.0", "release 7", "remove /a b", "remove /c", "keep /c")
    assert found.processes == {8: (2, 1.0)}
    assert found.folders == {"/a b"}


def test_torn_and_strange_lines_are_left_alone() -> None:
    assert orders("", "watch", "watch 7", "hello world") == Orders()


def test_a_process_that_waits_to_be_reaped_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(process.pid) or not Path("/proc").exists()
    assert process.wait() == 0


def test_the_end_of_the_pipe_ends_the_watched(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    polite = subprocess.Popen([sys.executable, "-c", SLEEPER])
    stubborn = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    released = subprocess.Popen([sys.executable, "-c", SLEEPER])
    assert stubborn.stdout is not None
    assert stubborn.stdout.readline() == "up\n"
    lines = [f"watch {p.pid} 15 0.3" for p in (polite, stubborn, released)]
    lines += [f"release {released.pid}", f"remove {folder}"]
    subprocess.run([sys.executable, "-I", "-S", guard.__file__], input="\n".join(lines) + "\n", text=True, check=True)
    try:
        assert polite.wait(5) == -15
        assert stubborn.wait(5) == -9
        assert released.poll() is None
        assert not folder.exists()
    finally:
        released.kill()
        released.wait()
        stubborn.stdout.close()
