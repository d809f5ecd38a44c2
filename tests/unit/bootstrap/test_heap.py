"""A process that stays: what it has loaded is not looked through again, and cycles made later still go."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc, weakref
from hutch.bootstrap import heap
class Loop: pass
heap.steady()
assert gc.get_freeze_count() > 1000, gc.get_freeze_count()
assert len(gc.get_objects()) < 1000
one = Loop(); one.me = one; gone = weakref.ref(one); del one
held = [[] for _ in range(heap.YOUNG + 1)]
print(gone() is None)
"""


def test_what_is_loaded_is_frozen_and_cycles_still_go() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
