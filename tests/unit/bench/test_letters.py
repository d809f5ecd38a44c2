"""Letters to thousands arrive once, however often their sender is killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.letters import deliver


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_letters_survive_kills_of_their_sender(tmp_path: Path) -> None:
    found = deliver(tmp_path, many=5000, kills=3)
    assert (found.lost, found.doubled) == (0, 0)
    assert found.again <= 3  # the one on its way at a kill, with the same id
