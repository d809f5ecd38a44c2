"""The fakes keep their word, and the provider kit finds each breach of the contract."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hutch.model.finding import Cause, Finding, Object, Status
from hutch.model.platform import Deployment, LogLine, LogQuery, Standing, Unanswered
from hutch.ports import Connection, Provider, Setting, TargetConfig
from hutch.testing import START, FakeClock, FakeSecrets, check_provider

URL = "redis://ops:pa%24%24word-1@127.0.0.1:6379/0"
SETTINGS: Mapping[str, object] = {"url": URL}
AT = datetime(2026, 1, 15, tzinfo=UTC)
PING = Finding("cache.ping", "cache", Status.BAD, "no answer", AT, data={"tries": 2})
DOWN = Cause("cache.unreachable", Object("host", "127.0.0.1"), 0.9, "no answer", "cache")


async def test_a_sleeper_wakes_when_its_time_has_come() -> None:
    clock = FakeClock()
    early, late = asyncio.create_task(clock.sleep(5)), asyncio.create_task(clock.sleep(9))
    await asyncio.sleep(0)
    clock.advance(4)
    await asyncio.sleep(0)
    assert not early.done()
    clock.advance(1)
    await early
    assert not late.done()
    clock.advance(60)
    await late
    assert clock.now() == START + timedelta(seconds=65)


async def test_sleeping_no_time_returns() -> None:
    await asyncio.wait_for(FakeClock().sleep(0), 5)


async def test_a_sleeper_that_was_cancelled_does_no_harm() -> None:
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.wait([sleeper])
    clock.advance(10)


def test_secrets_resolve_and_mask() -> None:
    secrets = FakeSecrets({"env:A": "hunter2", "env:B": "hunter2-long", "env:C": ""})
    assert secrets.resolve("env:A") == "hunter2"
    assert secrets.mask("say hunter2-long and hunter2") == "say ••• and •••"
    with pytest.raises(LookupError, match="env:X"):
        secrets.resolve("env:X")


# ------------------------------------------------------------------ the provider kit


def provider(finding: Finding = PING, check: str = "cache.ping", **fields: object) -> Provider:
    """A provider that keeps the contract, apart from what is given."""

    async def ping() -> Finding:
        return finding

    def connect(config: TargetConfig) -> Connection:
        assert config.settings == {"url": URL, "wait": 2.0}
        return Connection("cache", {check: ping})

    sound = Provider(
        "cache",
        "A cache.",
        (Setting("url", "secret", "Where it is.", required=True), Setting("wait", "float", "Seconds.", default=2.0)),
        connect,
        lambda findings: [DOWN] if findings else [],
        {"cache.unreachable": "Nothing answers at its address."},
    )
    return replace(sound, **fields)  # type: ignore[arg-type]


async def test_a_sound_provider_passes() -> None:
    assert await check_provider(provider(), SETTINGS) == [PING]


BREACHES = {
    "a name": (provider(check="ping"), "check 'ping' is not cache.check"),
    "another's name": (provider(replace(PING, check="cache.pong")), "check cache.ping reports as cache.pong"),
    "no summary": (provider(replace(PING, summary=" ")), "check cache.ping says nothing"),
    "naive": (provider(replace(PING, at=AT.replace(tzinfo=None))), "gives a time without zone"),
    "no JSON": (provider(replace(PING, data={"x": {1}})), "gives data that is no JSON"),
    "URL": (provider(replace(PING, evidence=(f"connecting to {URL}",))), "a secret of the settings is shown"),
    "password": (provider(replace(PING, reason="bad: pa%24%24word-1")), "a secret of the settings is shown"),
    "decoded": (provider(replace(PING, data={"with": "pa$$word-1"})), "a secret of the settings is shown"),
    "in a cause": (provider(explain=lambda f: [replace(DOWN, summary=URL)] if f else []), "a secret"),
    "unknown code": (provider(codes={"cache.slow": "Slow."}), "cause cache.unreachable is not in codes"),
    "code's form": (provider(codes={"down": "Down."}), "cause code 'down' is not area.cause"),
    "code's text": (provider(codes={"cache.slow": ""}), "cause code cache.slow is not documented"),
    "provider's name": (provider(name="Cache"), "provider name 'Cache' is not lower_case"),
    "no summary of its own": (provider(summary=""), "the provider has no summary"),
    "causes of nothing": (provider(explain=lambda _: [DOWN]), "explains causes without any finding"),
}


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_breach_is_found(breach: str) -> None:
    unsound, words = BREACHES[breach]
    with pytest.raises(AssertionError, match=words):
        await check_provider(unsound, SETTINGS)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting("Wait", "float", "Seconds."), "setting name 'Wait' is not lower_case"),
        (Setting("wait", "seconds", "Seconds."), "setting wait has the unknown kind 'seconds'"),
        (Setting("wait", "float", ""), "setting wait is not documented"),
        (
            Setting("wait", "float", "Seconds.", required=True, default=1.0),
            "setting wait is required and has a default",
        ),
        (Setting("url", "url", "Again."), "setting url is there twice"),
        (Setting("wait", "float", "Seconds.", required=True), "the required setting wait was not given"),
    ],
)
async def test_a_breach_in_a_setting_is_found(setting: Setting, words: str) -> None:
    url = Setting("url", "secret", "Where it is.", required=True)
    with pytest.raises(AssertionError, match=words):
        await check_provider(provider(settings=(url, setting)), SETTINGS)


async def test_settings_that_prove_nothing_are_refused() -> None:
    with pytest.raises(AssertionError, match="at least 8 characters"):
        await check_provider(provider(), {"url": "short"})
    with pytest.raises(AssertionError, match="no setting is named colour"):
        await check_provider(provider(), {"url": URL, "colour": "red"})


# ------------------------------------------------------------------ a platform


@dataclass
class Yard:
    """A platform that keeps the contract, apart from what is given."""

    standing_: object = field(default_factory=lambda: Standing("42"))
    deployments_: object = field(default_factory=lambda: [Deployment("d", "42", "deploy", "succeeded", AT)])
    logs_: object = field(default_factory=lambda: [LogLine(AT, "1", "a line")])

    async def standing(self) -> Standing:
        return _given(self.standing_)

    async def deployments(self) -> Sequence[Deployment]:
        return _given(self.deployments_)

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        return _given(self.logs_)


def _given(value: object) -> Any:
    if isinstance(value, Unanswered):
        raise value
    return value


def on(yard: Yard) -> Provider:
    async def ping() -> Finding:
        return PING

    return provider(open=lambda _: Connection("cache", {"cache.ping": ping}, platform=yard))


EARLIER = AT - timedelta(hours=1)
NAIVE = AT.replace(tzinfo=None)
WRONG_READS = {
    "no standing": (Yard("42"), "standing gives no Standing"),
    "no release": (Yard(Standing("")), "standing names no release"),
    "naive": (Yard(logs_=[LogLine(NAIVE, "1", "x")]), "logs gives a time without zone"),
    "newest first": (
        Yard(deployments_=[Deployment(id_, id_, "deploy", "succeeded", at) for id_, at in (("b", AT), ("a", EARLIER))]),
        "deployments are not oldest first",
    ),
    "twice": (Yard(deployments_=[Deployment("a", "1", "deploy", "succeeded", AT)] * 2), "have an id twice"),
    "a state of its own": (Yard(deployments_=[Deployment("a", "1", "deploy", "READY", AT)]), "no such kind or state"),
    "no reason": (Yard(deployments_=[Deployment("a", "1", "deploy", "failed", AT)]), "failed and does not say why"),
    "too many lines": (Yard(logs_=[LogLine(AT, "1", "x")] * 9), "logs give 9 lines where 3 are asked for"),
    "lines newest first": (Yard(logs_=[LogLine(at, "1", "x") for at in (AT, EARLIER)]), "logs are not oldest first"),
    "silent": (Yard(Unanswered(" ", True)), "standing is not answered and does not say why"),
    "leaks": (Yard(Unanswered(f"cannot reach {URL}", True)), "a secret of the settings is shown"),
    "leaks in a line": (Yard(logs_=[LogLine(AT, "1", "with pa$$word-1")]), "a secret of the settings is shown"),
}  # fmt: skip


@pytest.mark.parametrize("breach", WRONG_READS)
async def test_a_breach_of_a_platform_is_found(breach: str) -> None:
    yard, words = WRONG_READS[breach]
    with pytest.raises(AssertionError, match=re.escape(words)):
        await check_provider(on(yard), SETTINGS)


async def test_a_platform_that_is_looked_at_or_away_passes() -> None:
    away = Unanswered("nobody answers at 127.0.0.1", True)
    for yard in (Yard(), Yard(away, away, away)):
        assert await check_provider(on(yard), SETTINGS) == [PING]


async def test_the_connection_is_closed_whatever_happens() -> None:
    closed: list[bool] = []

    async def broken() -> Finding:
        raise ZeroDivisionError

    async def close() -> None:
        closed.append(True)

    unsound = provider(open=lambda _: Connection("cache", {"cache.ping": broken}, close=close))
    with pytest.raises(ZeroDivisionError):
        await check_provider(unsound, SETTINGS)
    assert closed == [True]
