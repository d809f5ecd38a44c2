"""RoleRabbit's platform with two releases, once for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from platform_process import Ready, platform, post


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with platform("--replicas", "1", "--release", "41") as found:
        post(found, "/releases", {"id": "42"})
        post(found, "/deployments", {"release": "42"})
        yield found
