"""What the aws commands require is what AWS's own service descriptions require."""

from __future__ import annotations

from functools import lru_cache

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ServiceModel

from hutch.runbook.lint.calls import calls
from hutch.runbook.lint.tools import REQUIRED, Required

DESCRIBED = [
    one
    for one in REQUIRED
    if one.path.startswith("aws ") and one.path.split()[1] != "s3" and one.path.split()[2] not in {"wait", "tail"}
]
"""Those that are an operation of a service; the others are the program's own."""


@lru_cache
def described(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize("one", DESCRIBED, ids=lambda r: r.path)
def test_the_aws_commands_require_what_their_services_do(one: Required) -> None:
    _, service, command = one.path.split()
    model = described(service)
    operation = next(name for name in model.operation_names if xform_name(name, "-") == command)
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    known = {xform_name(member, "-") for member in shape.members}
    wanted = {xform_name(member, "-") for member in shape.required_members}
    given = [{o.removeprefix("--") for o in group.split("|")} for group in one.options.split()]
    for group in given:
        assert group & known, f"{one.path} knows none of {group}"
    missing = {w for w in wanted if not any(w in group for group in given)}
    assert missing == set(), f"{one.path} also requires {missing}"


def test_a_command_that_runs_another_is_looked_into() -> None:
    text = (
        """ssh -p 22 db-1 "sudo -u postgres psql -c 'SELECT 1'" &&"""
        """ kubectl exec -it db -- sh -c 'redis-cli PING | cat'"""
    )
    assert [call.program for call in calls(text)] == ["ssh", "psql", "kubectl", "sh", "redis-cli", "cat"]


def test_depth_is_bounded() -> None:
    nested = "true"
    for _ in range(9):
        nested = "bash -c " + "'" + nested.replace("'", "'\\''") + "'"
    assert len(calls(nested)) == 4
