"""What platforms tell documents and people: arguments read, merged, masked; one that is silent costs only itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands import platforms
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.platform_reads import query_of, with_reads
from hutch.commands.world import ServiceWorld
from hutch.model.action import Command, Outcome, Preview, Result, Verification
from hutch.model.config import Config, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.finding import Cause, Change, Object
from hutch.model.platform import MOST_LINES, Deployment, Instance, LogLine, LogQuery, Standing, Unanswered
from hutch.ports import Connection, Provider
from hutch.testing import FakeClock, MemoryQueue, MemoryStore

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)


@dataclass
class Ground:
    """A platform whose answers are given; ``broken`` is what it says instead."""

    lines: Sequence[LogLine] = ()
    broken: Unanswered | None = None
    asked: list[LogQuery] = field(default_factory=list)
    sizes: Mapping[str, int] = field(default_factory=dict)

    async def standing(self) -> Standing:
        self._may()
        return Standing("7", "6", instances=(Instance("7-1", "7", "ready", True), Instance("7-2", "7", "down", False)),
                        sizes=self.sizes)  # fmt: skip

    async def deployments(self) -> Sequence[Deployment]:
        self._may()
        said = "the token s3cr3t-t0ken-here is wrong"
        return [
            Deployment("d1", "6", "deploy", "succeeded", NOW - timedelta(hours=2)),
            Deployment("d2", "7", "deploy", "failed", NOW, NOW, "6", said),
        ]

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        self._may()
        self.asked.append(query)
        return self.lines

    def _may(self) -> None:
        if self.broken:
            raise self.broken


def context_of(folder: Path, **grounds: Connection) -> Context:
    clock = FakeClock()
    services = {name: Service(ServiceConfig(name), {"x": connection}) for name, connection in grounds.items()}
    store, secrets = MemoryStore(clock), EnvironmentSecrets(folder)
    secrets.remember("s3cr3t-t0ken-here")
    return Context(Config(), folder, store, MemoryQueue(store), clock, secrets, services, {})


def line(minutes: int, text: str) -> LogLine:
    return LogLine(NOW + timedelta(minutes=minutes), "7-1", text)


async def answer(connection: Connection, verb: str, **args: object) -> Outcome:
    return await with_reads(connection, lambda: NOW).runs[verb](Command(verb, verb, "", Effect.READ, args=args))


async def test_a_document_is_answered() -> None:
    ground = Ground([line(0, "first"), line(1, "second")])
    connection = Connection("x", platform=ground)
    found = await answer(connection, "logs.search", pattern="ERROR", since="30m", until="", level="error", limit=5)
    assert (found.result, found.summary, found.exit_code) == (Result.DONE, "2 lines", 0)
    assert found.output.splitlines()[0] == "2026-01-15T10:00:00.000000Z 7-1 first"
    assert ground.asked == [LogQuery("ERROR", NOW - timedelta(minutes=30), None, "error", limit=5)]
    listed = await answer(connection, "deploy.list")
    assert listed.output.splitlines()[0].startswith("2026-01-15T10:00:00.000000Z 7 deploy after 6 failed: the token")
    standing = await answer(connection, "service.status")
    assert standing.output.splitlines() == [
        "release 7: 1 of 2 replicas serve", "7-1 release 7 ready", "7-2 release 7 down",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"grep": "x"}, "logs.search has no argument 'grep'; it takes pattern, since"),
        ({"since": "soon"}, "since: cannot read 'soon'"),
        ({"limit": 0}, "limit: expected a number of lines from 1 to 10000, found '0'"),
        ({"limit": "many"}, "found 'many'"),
        ({"limit": 10001}, "found '10001'"),
    ],
)
async def test_arguments_that_cannot_be(args: dict[str, object], said: str) -> None:
    ground = Ground()
    found = await answer(Connection("x", platform=ground), "logs.search", **args)
    assert (found.result, said in found.summary, ground.asked) == (Result.FAILED, True, [])
    with pytest.raises(CommandError):
        query_of(args, NOW)


@pytest.mark.parametrize("recoverable", [True, False])
async def test_no_answer_is_passed_on_as_what_it_is(recoverable: bool) -> None:
    ground = Ground(broken=Unanswered("no", recoverable))
    for verb in ("logs.search", "deploy.list", "service.status"):
        found = await answer(Connection("x", platform=ground), verb)
        assert (found.result, found.summary, found.recoverable) == (Result.FAILED, "no", recoverable)


async def test_what_a_provider_runs_by_itself_stands() -> None:
    async def own(_command: Command) -> Outcome:
        return Outcome(Result.DONE, "own")

    connection = Connection("x", platform=Ground(), runs={"logs.search": own})
    assert (await answer(connection, "logs.search")).summary == "own"
    bare = Connection("x", runs={"logs.search": own})
    assert with_reads(bare, lambda: NOW) is bare


async def test_lines_of_all_services_are_merged_bounded_and_masked(tmp_path: Path) -> None:
    context = context_of(
        tmp_path,
        shop=Connection("a", platform=Ground([line(0, "a"), line(3, "with s3cr3t-t0ken-here")])),
        mail=Connection("b", platform=Ground([line(1, "b"), line(2, "c")])),
        away=Connection("c", platform=Ground(broken=Unanswered("it is away", True))),
        none=Connection("d"),
    )
    found = await platforms.search(context, "", LogQuery(limit=3))
    assert [(row["service"], row["text"]) for row in found["lines"]] == [
        ("mail", "b"), ("mail", "c"), ("shop", "with •••"),
    ]  # fmt: skip
    assert (found["problems"], found["code"]) == (["it is away"], 5)
    assert (await platforms.search(context, "shop", LogQuery()))["code"] == 0
    with pytest.raises(CommandError, match="none runs on no platform"):
        await platforms.search(context, "none", LogQuery())


async def test_deployments_stand_beside_other_changes_and_are_masked(tmp_path: Path) -> None:
    async def changes() -> Sequence[Change]:
        return [Change("migration", "003", NOW - timedelta(hours=1), "003 applied")]

    async def hidden() -> Sequence[Change]:
        raise AssertionError("the platform itself tells more")

    service = Service(ServiceConfig("shop"), {
        "p": Connection("a", platform=Ground(), changes=hidden), "m": Connection("b", changes=changes),
    })  # fmt: skip
    context = context_of(tmp_path)
    context.services["shop"] = service  # type: ignore[index]
    rows = await platforms.deployments(context, "")
    assert [(r["id"], r["state"], r["reason"]) for r in rows] == [
        ("7", "failed", "the token ••• is wrong"), ("003", "succeeded", ""), ("6", "succeeded", ""),
    ]  # fmt: skip
    assert (await platforms.deployment(context, "", "d1"))["id"] == "6"


async def test_a_list_names_the_service_that_does_not_answer(tmp_path: Path) -> None:
    context = context_of(
        tmp_path,
        shop=Connection("a", platform=Ground()),
        away=Connection("c", platform=Ground(broken=Unanswered("it is away", True))),
    )
    rows = await platforms.listing(context)
    assert [(r["service"], r["state"], r["reason"]) for r in rows] == [
        ("shop", "ill", ""), ("away", "no answer", "it is away"),
    ]  # fmt: skip


async def test_patterns_of_one_service_are_marked_by_its_last_deployment(tmp_path: Path) -> None:
    ground = Ground([line(-180, "slow: 1 ms"), line(-60, "slow: 2 ms"), line(-59, "died of s3cr3t-t0ken-here")])
    context = context_of(tmp_path, shop=Connection("a", platform=ground))
    found = await platforms.patterns(context, "", LogQuery())
    assert [(p["pattern"], p["count"], p["new"]) for p in found["patterns"]] == [
        ("died of •••", 1, True), ("slow: <number> ms", 2, False),
    ]  # fmt: skip
    assert (found["deployed_at"], found["lines"]) == ("2026-01-15T08:00:00.000000Z", 3)
    assert found["first_new"]["said"] == "died of •••, 61 min after it, 1 times since"
    other = context_of(tmp_path, shop=Connection("a", platform=ground), mail=Connection("b", platform=ground))
    both = await platforms.patterns(other, "", LogQuery())
    assert (both["deployed_at"], both["patterns"][0]["count"]) == (None, 4)


@pytest.mark.parametrize(("said", "looked_at", "full"), [(9_999, 9_999, False), (10_003, 10_000, True)])
async def test_ten_thousand_hits_are_told_apart_and_the_bound_is_said(
    tmp_path: Path, said: int, looked_at: int, full: bool
) -> None:
    ground = Ground([line(-1, f"slow: {n} ms" if n % 2 else f"no user {n}") for n in range(said)])
    context = context_of(tmp_path, shop=Connection("a", platform=ground))
    found = await platforms.patterns(context, "", LogQuery(limit=MOST_LINES))
    counts = {p["pattern"]: p["count"] for p in found["patterns"]}
    assert (found["lines"], found["full"]) == (sum(counts.values()), full) == (looked_at, full)
    assert set(counts) == {"slow: <number> ms", "no user <number>"}


@pytest.mark.parametrize(
    ("code", "replicas", "despite", "refused"),
    [
        (
            "postgres.blocked_by_lock",
            5,
            False,
            "not scaled: capacity is not the cause: postgres.blocked_by_lock: of •••",
        ),
        ("app.overloaded", 1, False, "not scaled: it has more to do than it can now"),
        ("postgres.blocked_by_lock", 5, True, ""),
        ("postgres.blocked_by_lock", 1, False, ""),
        ("app.overloaded", 5, False, ""),
    ],
)
async def test_scaling_is_for_capacity(tmp_path: Path, code: str, replicas: int, despite: bool, refused: str) -> None:
    cause = Cause(code, Object("service", "shop"), 0.9, "of s3cr3t-t0ken-here", "x")
    connection = Connection("x", platform=Ground(), actions={"service.scale": Scaled()})
    context = context_of(tmp_path, shop=connection)
    context.providers["x"] = Provider("x", "", (), lambda _: connection, lambda _: [cause])  # type: ignore[index]
    if refused:
        with pytest.raises(CommandError, match=refused):
            await platforms.scale(context, "", replicas, {}, "ada", despite=despite)
    else:
        run = await platforms.scale(context, "", replicas, {}, "ada", despite=despite)
        assert run.title == f"Scale shop: replicas {replicas}"
        [option] = run.program.options
        assert ("despite" in option.items[0].command.args) == despite
    args = {"replicas": str(replicas), **({"despite": True} if despite else {})}
    shown = await ServiceWorld(context, context.service()).preview(
        Command("service.scale", "service.scale", "x", Effect.CHANGE, args=args)
    )
    assert shown.refused.startswith(refused) if refused else not shown.refused


@pytest.mark.parametrize(
    ("replicas", "sizes", "asked"),
    [
        (None, {"cache_seconds": 300}, False),
        (5, {"cache_seconds": 300}, True),
        (None, {"cache_seconds": 300, "pool_size": 9}, True),
        (None, {"cache_seconds": 300, "pool_size": 8}, False),
    ],
)
async def test_how_long_the_cache_keeps_is_no_question_of_capacity(
    tmp_path: Path, replicas: int | None, sizes: Mapping[str, int], asked: bool
) -> None:
    ground = Ground(sizes={"pool_size": 8, "cache_seconds": 5})
    connection = Connection("x", platform=ground, actions={"service.scale": Scaled()})
    context = context_of(tmp_path, shop=connection)
    cause = Cause("postgres.blocked_by_lock", Object("service", "shop"), 0.9, "a lock", "x")
    context.providers["x"] = Provider("x", "", (), lambda _: connection, lambda _: [cause])  # type: ignore[index]
    if asked:
        with pytest.raises(CommandError, match="capacity is not the cause"):
            await platforms.scale(context, "", replicas, sizes, "ada")
    else:
        assert "cache_seconds 300" in (await platforms.scale(context, "", replicas, sizes, "ada")).title


async def test_a_scaling_where_nobody_tells_how_many_run_is_the_actions_own(tmp_path: Path) -> None:
    away = Ground(broken=Unanswered("no", True))
    for connection in (
        Connection("x", platform=away, actions={"service.scale": Scaled()}),
        Connection("x", actions={"service.scale": Scaled()}),
    ):
        context = context_of(tmp_path, shop=connection)
        command = Command("service.scale", "service.scale", "x", Effect.CHANGE, args={"replicas": 5})
        assert (await ServiceWorld(context, context.service()).preview(command)).refused == ""


@dataclass
class Scaled:
    """An action that is never carried out here."""

    effect: Effect = Effect.CHANGE

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview("scale", 1)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        raise AssertionError("nobody approved it")

    async def verify(self, args: Mapping[str, object]) -> Verification:
        raise AssertionError("nobody approved it")


async def test_a_release_is_found_by_what_the_service_calls_it(tmp_path: Path) -> None:
    asked: list[Mapping[str, object]] = []

    class Named(Ground):
        async def deployments(self) -> Sequence[Deployment]:
            return [
                Deployment("d1", "dpl_1", "deploy", "succeeded", NOW - timedelta(hours=2), names=("41", "a" * 40)),
                Deployment("d2", "dpl_2", "deploy", "succeeded", NOW, NOW, "dpl_1", names=("42", "b" * 40)),
            ]

    async def commits(command: Command) -> Outcome:
        asked.append(command.args)
        return Outcome(Result.DONE, "1 commit", "a line")

    context = context_of(tmp_path, shop=Connection("a", platform=Named(), runs={"git.commits": commits}))
    found = await platforms.deployment(context, "shop", "42")
    assert (found["id"], found["names"], found["commits"]) == ("dpl_2", ["42", "b" * 40], ["a line"])
    assert asked == [{"from": "a" * 40, "to": "b" * 40}]
    assert found["summary"] == "release dpl_2 (42) deployed after dpl_1"
    assert (await platforms.deployment(context, "shop", "a" * 7))["id"] == "dpl_1"
    with pytest.raises(CommandError, match="no deployment or release 'aaaaaa'"):
        await platforms.deployment(context, "shop", "a" * 6)
