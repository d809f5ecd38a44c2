"""Who runs a shell statement at a service, bound to what; and what must not run."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hutch.commands.context import Service
from hutch.commands.routing import HAND, Routed, route, shell
from hutch.commands.situation import Situation
from hutch.effect import classify
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.config import ServiceConfig
from hutch.model.effect import Effect, Verdict
from hutch.model.runbook import Statement
from hutch.ports import Connection
from hutch.runbook.placeholders import find
from hutch.runbook.values import Source


async def nothing(command: Command) -> Outcome:
    return Outcome(Result.DONE, command.text)


class Knob:
    """An action that is there."""

    effect = Effect.CHANGE

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview(str(args), 1)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        return Outcome(Result.DONE, str(args))

    async def verify(self, args: Mapping[str, object]) -> Verification:
        return Verification(Verified.PASSED, str(args))


ALL = {
    "shell": Connection("this machine", runs={"sh": nothing}),
    "http": Connection("shop.example", runs={"curl": nothing, "http": nothing}),
    "postgres": Connection("db:5432/shop", runs={"sql": nothing, "psql": nothing}),
    "redis": Connection("cache:6379", runs={"redis-cli": nothing}),
    "migrations": Connection("db migrations", actions={"migrate.up": Knob()}, runs={"migrate.status": nothing}),
    "deploy": Connection("platform", actions={"deploy.rollback": Knob()}),
}


def situation(
    binds: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
    *,
    captured: Mapping[str, str] | None = None,
    incident: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    only: tuple[str, ...] = tuple(ALL),
) -> Situation:
    config = ServiceConfig("shop", binds=binds or {}, values=values or {})
    known = (Source("services.shop.http.url", {"service-url": "https://shop.example"}),)
    service = Service(config, {n: c for n, c in ALL.items() if n in only}, known)
    return Situation(service, given or {}, {}, incident or {}, captured or {})


def routed(text: str, where: Situation, lang: str = "bash") -> Routed:
    holes = find(text, lang)
    verdict = classify(lang, text, [(p.start, p.end) for p in holes if not p.text.startswith("$")])
    return route(lang, Statement("s", text, 7, placeholders=holes), verdict, where)


def open_names(found: Routed) -> list[str]:
    return [f"{o.kind} {o.name}" for o in found.open]


@pytest.mark.parametrize(
    ("text", "binds", "runner", "target"),
    [
        ("curl -I https://shop.example", {"shop.example": "as-is"}, "curl", "shop.example"),
        ('psql $DATABASE_URL -c "SELECT 1"', {}, "psql", "db:5432/shop"),
        ('psql "${DATABASE_URL}" -c "SELECT 1"', {}, "psql", "db:5432/shop"),
        ("psql -h old.example -d shop -c 'SELECT 1'", {}, "psql", "db:5432/shop"),
        ("redis-cli -h cache.example ping", {}, "redis-cli", "cache:6379"),
        ("redis-cli -u $REDIS_URL ping", {}, "redis-cli", "cache:6379"),
        ("date | head -1", {}, "sh", "this machine"),
        ("ls /tmp", {"ls": "as-is"}, "sh", "this machine"),
        ("mysqlx -c 'SELECT 1'", {"mysqlx": "psql"}, "psql", "db:5432/shop"),
        ("npm run db:migrate", {"npm run db:migrate": "action:migrate.up"}, "migrate.up", "db migrations"),
        ("npm run db:migrate:status", {"npm run db:migrate:status": "action:migrate.status"}, "migrate.status",
         "db migrations"),
        ("vercel rollback [previous-url]", {"vercel rollback": "action:deploy.rollback to=$1"}, "deploy.rollback",
         "platform"),
    ],
)  # fmt: skip
def test_who_does_it(text: str, binds: Mapping[str, str], runner: str, target: str) -> None:
    found = routed(text, situation(binds))
    assert (found.command.runner, found.command.target, found.reason) == (runner, target, "")


def test_the_words_of_a_stand_in_hold_no_address_of_a_database() -> None:
    found = routed("psql \"$DATABASE_URL\" -c 'SELECT $1'", situation())
    args = {"argv": ["psql", "DATABASE_URL", "-c", "SELECT $1"], "sql": "SELECT $1"}
    assert (found.command.args, found.command.env) == (args, {})


@pytest.mark.parametrize(
    ("text", "binds", "names"),
    [
        ("curl https://a.example/x", {}, ["host a.example"]),
        ("curl https://a.example/x | jq .", {"curl": "as-is"}, ["host a.example"]),
        ("rm -rf https://a.example", {}, ["program rm", "host a.example"]),
        ("tool --cluster c", {"tool": "as-is"}, ["cluster c"]),
        ("aws s3 ls s3://b/x", {}, ["program aws", "bucket b"]),
        ("curl https://[id].a.example/", {}, ["placeholder id", "host [id].a.example"]),
        ("pg_dump -h a.example", {}, ["program pg_dump", "host a.example"]),
        ("psql -c 'SELECT 1' -h a.example | cat", {}, ["program psql", "host a.example"]),
    ],
)
def test_what_must_be_said_first(text: str, binds: Mapping[str, str], names: list[str]) -> None:
    found = routed(text, situation(binds))
    assert open_names(found) == names
    assert found.reason


def test_an_unbound_host_never_runs_whatever_its_effect() -> None:
    for text in ("curl -I https://a.example", "curl -X DELETE https://a.example/x", "rm x; curl https://a.example"):
        found = routed(text, situation({"curl": "as-is", "rm": "as-is"}))
        assert "host a.example is not bound" in found.reason


def test_the_value_of_a_person_or_of_the_configuration_names_a_host_an_output_does_not() -> None:
    text = "curl [host]/x"
    for where in (situation(given={"host": "https://b.example"}), situation(values={"HOST": "https://b.example"})):
        assert routed(text, where).reason == ""
    for where in (
        situation(captured={"host": "https://b.example"}),
        situation(incident={"host": "https://b.example", "incident-id": "INC-2026-001"}),
    ):
        assert open_names(routed(text, where)) == ["host b.example"]
    bound = situation({"https://b.example": "as-is"}, captured={"host": "https://b.example"})
    assert routed(text, bound).reason == ""


@pytest.mark.parametrize("text", ["curl https://[id].b.example/x", "ping [id]", "curl http://x.example:[port]/"])
def test_a_captured_part_of_a_host_is_bound_whole(text: str) -> None:
    value = "80" if "port" in text else "a"
    table = {"[id].b.example": "as-is", "x.example:[port]": "as-is", "ping": "as-is"}
    where = situation(table, captured={"id": value, "port": value})
    whole = {"curl https://[id].b.example/x": "a.b.example", "ping [id]": "a"}.get(text, "x.example:80")
    assert open_names(routed(text, where)) == [f"host {whole}"]
    assert routed(text, situation({**table, whole: "as-is"}, captured={"id": value, "port": value})).reason == ""


def test_where_values_come_from_in_this_order() -> None:
    text = "echo [aa] [bb] [cc] [dd] [service-url] [ff] [ee] [severity]"
    where = situation(
        given={"AA": "1"},
        captured={"aa": "2", "bb": "2"},
        incident={"aa": "3", "dd": "3", "ee": "3", "severity": "SEV-2", "incident-id": "INC-2026-001"},
        values={"aa": "4", "bb": "4", "cc": "4", "dd": "4", "ff": " "},
    )
    found = routed(text, where)
    assert found.command.text == "echo 1 2 4 4 https://shop.example [ff] 3 SEV-2"
    assert [v.source for v in found.values] == [
        "--set", "an earlier step", "services.shop.values", "services.shop.values", "services.shop.http.url", "",
        "a label of the alert", "incident INC-2026-001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "binds", "args", "reason"),
    [
        ("vercel rollback dpl_1", {"vercel rollback": "action:deploy.rollback to=$1"}, {"to": "dpl_1"}, ""),
        ("vercel rollback [url]", {"vercel rollback": "action:deploy.rollback to=$1 n=2"}, {"n": 2}, ""),
        ("deploy --to web:PREVIOUS_VERSION", {"deploy --to": "action:deploy.rollback to=$1 n=2"}, {"n": 2}, ""),
        ("vercel rollback", {"vercel": "action:deploy.rollback"}, {}, "does not say what becomes of rollback"),
        ("vercel rollback x --yes", {"vercel rollback": "action:deploy.rollback to=$1"}, {"to": "x"}, "of --yes"),
        ("vercel rollback x | tee l", {"vercel rollback": "action:deploy.rollback to=$1"}, {}, "part of a pipeline"),
        ("vercel rollback > l", {"vercel rollback": "action:deploy.rollback"}, {}, "be redirected"),
        ("vercel rollback", {"vercel rollback": "action:no.such"}, {}, "no target of shop offers the action no.such"),
    ],
)
def test_an_action_in_a_programs_place(text: str, binds: Mapping[str, str], args: object, reason: str) -> None:
    found = routed(text, situation(binds))
    assert reason in found.reason and bool(reason) == bool(found.reason)
    assert not args or found.command.args == args


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pg_dump $DATABASE_URL > copy_$(date +%Y%m%d).sql", ""),
        ("pg_dump shop | grep -v x | head", ""),
        ("pg_dump --no-owner shop", ""),
        ("pg_dump \\\n  --no-owner \\\n  shop", ""),
        ("pg_dump shop \\\n | mysqlx", "another command besides"),
        ("pg_dump shop \\\\\ndate", "another command besides"),
        ("pg_dump \\\n  shop && \\\n  date", "another command besides"),
        ("pg_dump shop | psql other", "another command besides"),
        ("pg_dump shop > a && rm b", "another command besides"),
        ("pg_dump shop > a || date", "another command besides"),
        ("pg_dump shop > a & date", "another command besides"),
        ("pg_dump shop; date", "another command besides"),
        ("pg_dump shop\ndate", "another command besides"),
        ("echo x > y | pg_dump shop", "another command besides"),
        ("pg_dump shop > copy_$(mysqlx)", "another command besides"),
    ],
)
def test_an_action_in_the_place_of_a_whole_line(text: str, reason: str) -> None:
    found = routed(text, situation({"pg_dump": "action:migrate.up reason=line ..."}))
    assert reason in found.reason and bool(reason) == bool(found.reason)
    assert (found.command.runner, found.command.args) == ("migrate.up", {"reason": "line"})


def test_the_effect_of_an_action_in_a_programs_place() -> None:
    read = routed("npm run s", situation({"npm run s": "action:migrate.status"})).command
    assert (read.effect, read.why) == (Effect.READ, "npm run s stands for migrate.status, a read")
    assert routed("ls", situation({"ls": "action:migrate.up"})).command.effect is Effect.CHANGE
    assert routed("rm -r x", situation({"rm": "action:migrate.up x=$2"})).command.effect is Effect.DESTROY


def test_by_hand() -> None:
    assert routed("open https://a.example", situation()).manual
    assert routed("curl https://a.example", situation({"a.example": "manual"})).manual
    assert routed("npm run x", situation({"npm run x": "manual"})).manual
    assert not routed("date", situation()).manual
    placed = routed("npm run x", situation({"npm run x": "manual: the dashboard, Settings"}))
    assert (placed.manual, placed.place) == (True, "the dashboard, Settings")
    statement = Statement("s", "npm run x", 7)
    where = situation({"npm run x": "manual: the dashboard, Settings"})
    command, refused = shell("bash", statement, Verdict(Effect.CHANGE, "x"), where)
    assert (command.text, command.runner, refused) == ("npm run x\n→ the dashboard, Settings", HAND, "")


def test_a_supplied_file_goes_with_the_command() -> None:
    text = "curl -w '@curl-format.txt' -o /dev/null -s [service-url]/x"
    assert "time_total" in str(routed(text, situation()).command.args["files"])
    found = routed(text, situation({"curl-format.txt": "text:%{http_code}"}))
    assert found.command.args["files"] == {"curl-format.txt": "%{http_code}"}
    read = routed("sort < list.txt", situation({"list.txt": "text:b\na\n"}))
    assert read.command.args == {"files": {"list.txt": "b\na\n"}}


def test_programs_of_other_languages() -> None:
    script = routed("print(1)", situation(), "python")
    assert open_names(script) == ["program python3"]
    ready = routed("print(1)", situation({"python3": "as-is"}), "python")
    assert (ready.command.args, ready.command.effect) == ({"argv": ["python3", "-c", "print(1)"]}, Effect.CHANGE)
    assert "nothing configured" in routed("up", situation(), "promql").reason


def test_a_request_goes_to_what_its_host_stands_for() -> None:
    text = "GET https://shop.example/x\nAccept: text/plain"
    assert open_names(routed(text, situation(), "http")) == ["host shop.example"]
    found = routed(text, situation({"shop.example": "http://127.0.0.1:8000"}), "http")
    assert (found.command.runner, found.reason) == ("http", "")
    assert found.command.text == "GET http://127.0.0.1:8000/x\nAccept: text/plain"
    led = situation(captured={"base": "https://b.example"})
    assert open_names(routed("GET {{ base }}/x", led, "http")) == ["host b.example"]


def test_what_nobody_can_answer_is_no_question() -> None:
    found = routed("psql $DATABASE_URL < restore.sql", situation())
    assert not found.open or found.refused
    assert "not given to a shell" in routed("pg_dump $DATABASE_URL > x", situation({"pg_dump": "as-is"})).reason


def test_a_statement_that_goes_on_for_ever_is_an_endless_command() -> None:
    watched = routed("tail -f log", situation({"tail": "as-is"})).command
    assert (watched.endless, watched.timeout) == (True, 15.0)
    assert not routed("tail log", situation({"tail": "as-is"})).command.endless


def test_a_label_of_an_alert_is_no_host_that_nobody_bound() -> None:
    told = {"incident-id": "INC-2026-001", "target": "shop.example.evil.example"}
    found = routed("curl https://[target]/health", situation(incident=told))
    assert ["which an earlier output or the incident names, is not bound" in o.said for o in found.open] == [True]
