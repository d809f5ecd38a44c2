"""A service that is too small: requests wait for a connection until it is scaled, and all is as before afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from rolerabbit.drills.overload import waits

_SETTINGS = "SELECT coalesce(array_to_string(rolconfig, ','), '') FROM pg_roles WHERE rolname = 'rolerabbit_app'"
_PORTFOLIOS = "SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM portfolios p"


@pytest.mark.slow
def test_one_connection_is_not_enough_until_the_service_is_scaled(stage: Any) -> None:
    status, portfolios = stage.service.status(), stage.service.rows(_PORTFOLIOS)
    usual = (len(status["replicas"]), status["pool_size"])
    with stage.standing("too-few-replicas") as fault:
        status = stage.service.status()
        assert (len(status["replicas"]), status["pool_size"]) == (1, fault.on["known"]["pool_size"])
        stage.service.platform.post("/scale", {"replicas": 2, "pool_size": 8})
        stage.wait_for(lambda: waits(stage.service) == 0.0)
    assert (fault.off["remedied"], fault.off["well"], fault.off["rows_lost"]) == (True, True, 0)
    status = stage.service.status()
    assert (len(status["replicas"]), status["pool_size"]) == usual
    assert (stage.service.rows(_SETTINGS), stage.service.rows(_PORTFOLIOS)) == ([("",)], portfolios)
