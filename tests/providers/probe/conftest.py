from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from probe_world import Authority, Serve, Talk, serving


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers that end with the test."""
    async with AsyncExitStack() as stack:

        async def started(talk: Talk, tls: ssl.SSLContext | None = None) -> int:
            return await stack.enter_async_context(serving(talk, tls))

        yield started
    await asyncio.sleep(0)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
