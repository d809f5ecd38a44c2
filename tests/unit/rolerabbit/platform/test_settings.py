from __future__ import annotations

from pathlib import Path

import pytest

from rolerabbit.platform.settings import Settings


@pytest.mark.parametrize("replicas", range(1, 9))
@pytest.mark.parametrize("max_connections", [40, 100])
def test_a_deployment_with_twice_the_replicas_fits(replicas: int, max_connections: int) -> None:
    settings = Settings(Path("d"), Path("r"), max_connections=max_connections, replicas=replicas)
    assert 2 * replicas * settings.first_pool_size <= settings.ordinary_connections


def test_a_pool_size_that_is_given_is_taken() -> None:
    assert Settings(Path("d"), Path("r"), pool_size=20).first_pool_size == 20


def test_there_is_always_a_connection() -> None:
    assert Settings(Path("d"), Path("r"), max_connections=15, replicas=8).first_pool_size == 1
