"""The settings of our own account at a service, and what is said of one that does not answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.action import Command, Result
from hutch.model.effect import Effect
from hutch.ports import Connection, TargetConfig
from hutch.providers.access import provider

GOOD: dict[str, Any] = {
    "url": "http://127.0.0.1:1", "email": "canary@example.com", "password": "hush-word", "token": "hush-token",
}  # fmt: skip


def opened(**settings: object) -> Connection:
    return provider.open(TargetConfig("shop", {**GOOD, **settings}, lambda: datetime.now(UTC)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "rolerabbit.com"}, "url must be an address"),
        ({"password": ""}, "password must be set"),
        ({"token": None}, "token must be set"),
        ({"session": "hush-token\r\nX: y"}, "printable ASCII"),
        ({"timeout": 0}, "timeout must be a number above 0"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_repeated(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        opened(**settings)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("expect", ["open", "closed"])
async def test_a_service_that_is_silent_proves_nothing(expect: str) -> None:
    command = Command("access.prove", "access.prove", "", Effect.READ, args={"expect": expect})
    outcome = await opened().runs["access.prove"](command)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert "hush" not in outcome.summary + outcome.output


async def test_what_is_expected_has_to_be_said() -> None:
    command = Command("access.prove", "access.prove", "", Effect.READ, args={})
    assert "expect must be open or closed" in (await opened().runs["access.prove"](command)).summary
