"""A program that forks one process after another for a test to kill, and the test's side of it.

The program reads an order a line, as JSON, and writes an answer a line. It has no threads, so forking it is safe.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Child = Callable[[dict[str, Any], int], None]
"""What a forked process does of an order; it writes notes, a line each, to the descriptor."""


def serve(child: Child, answer: Callable[[Sequence[str], int], dict[str, Any]]) -> None:
    """Serve orders until standard input ends. ``answer`` is made of the notes and the exit status."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _alone(child, json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading) as notes:
            told = notes.read().splitlines()
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(status), **answer(told, status)}), flush=True)


def _alone(child: Child, order: dict[str, Any], notes: int) -> None:
    """Never returns."""
    code = 1
    try:
        child(order, notes)
        code = 0
    finally:
        traceback.print_exc() if code else None
        sys.stderr.flush()
        os._exit(code)


@dataclass
class Nursery:
    """The program, from the test's side."""

    process: subprocess.Popen[str]

    def send(self, order: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def started(program: str) -> Iterator[subprocess.Popen[str]]:
    """The program of that name in this folder, ended by the end of its input."""
    argv = [sys.executable, str(Path(__file__).with_name(f"{program}.py"))]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0
