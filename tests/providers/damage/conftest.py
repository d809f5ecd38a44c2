from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from damaged_world import Damaged
from rolerabbit.embedded.postgres import Postgres

Made = Callable[..., Damaged]


@pytest.fixture
def made() -> Iterator[Made]:
    """A server of one's own each time: what is damaged is thrown away."""
    with ExitStack() as stack:

        def make(checksums: bool = True, **settings: Any) -> Damaged:
            return Damaged(stack.enter_context(Postgres.temporary(**settings)), checksums)

        yield make
