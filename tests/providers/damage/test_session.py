"""What a look at damage holds open."""

from __future__ import annotations

import psycopg
import pytest

from hutch.providers.postgres.client import APPLICATION
from hutch.providers.postgres.damage.config import DamageConfig
from hutch.providers.postgres.damage.session import connect
from hutch.providers.postgres.errors import PostgresError
from rolerabbit.embedded.postgres import Postgres

OURS = "select pid from pg_stat_activity where application_name = %s"


async def test_a_session_that_the_server_will_not_set_up_is_closed() -> None:
    beyond = float(2**31)
    with Postgres.temporary() as server, psycopg.connect(server.url, autocommit=True) as looking:
        with pytest.raises(PostgresError) as told:
            await connect(DamageConfig(server.url, beyond))
        for _ in range(200):
            left = looking.execute(OURS, (APPLICATION,)).fetchall()
            if not left:
                break
            looking.execute("select pg_sleep(0.05)")
    assert not left
    assert "statement_timeout" in str(told.value)
