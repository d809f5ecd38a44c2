"""The source document, unmodified, on the service that it was written for.

Every chapter is dry-run, every statement asked for. What has its provider here really runs, and its effect is looked up
in the database; what has none says why it does not run and how to go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage
from hutch.cli.drill_targets import targets
from hutch.commands import runs
from hutch.commands.context import CommandError, Context
from hutch.commands.documents import load_document
from hutch.commands.respond import run_document
from hutch.commands.worker import driver
from hutch.model.run import Run

SEED = Path(__file__).parents[2].parent / "shared" / "seed" / "rolerabbit-runbooks.md"

BINDS = {
    "npm run db:migrate:status": "action:migrate.status",
    "npm run db:migrate": "action:migrate.up",
    "npm run db:migrate:down": "action:migrate.down",
    "npm run db:reset": "action:migrate.reset",
    "npm run db:seed": "action:migrate.seed",
    "vercel rollback": "action:deploy.rollback to=$1",
    "railway restart": "action:service.restart",
    "openssl": "as-is",
}

PASSED = (
    96, 100, 109, 136, 143, 207, 211, 253, 259, 273, 302, 305, 308, 353, 356, 357, 406, 407, 424, 437, 504, 548, 560,
    566, 613, 653, 656, 696, 731, 737,
)  # fmt: skip
"""Lines whose statement reads, and passes."""

DONE = (183, 278, 279, 286, 287, 288, 317, 324, 366, 370, 378, 381, 417, 517, 577, 581, 582, 585, 666)
"""Lines whose statement changes something, and did it once a person had approved."""

FAILED = {640: "already exists", 641: "already exists", 734: "020 is marked as applied but has no migration file"}
"""Lines whose statement is refused: RoleRabbit has these columns; line 381 has marked a version that has no file."""

BY_HAND = (113,)

NOT_OFFERED = {
    164: "say which release to run",
    388: "reset is for development alone",
    389: "it would hit nothing",
    390: "seed is for development alone",
    693: "say which release to run",
}
"""Lines whose action's own preview says that it is not to be done now."""

HOW_TO_GO_ON = ("--set ", "--bind ", "binds", "psql -c", "action")
"""Words of which each refusal has one."""

EFFECTS = {
    366: "select count(*) = 0 from schema_migrations where version = '018'",
    370: "select count(*) = 1 from schema_migrations where version = '018'",
    378: "select count(*) = 1 from information_schema.columns where column_name = 'visibility'",
    381: "select count(*) = 1 from schema_migrations where version = '020'",
    286: "select bool_and(indisvalid) from pg_index where indexrelid = 'idx_portfolios_user_id'::regclass",
    577: "select bool_and(indisvalid) from pg_index where indexrelid = 'idx_portfolios_user_id_published'::regclass",
    517: "select count(*) = 2 from ip_blocklist where reason = 'Brute force attack'",
    417: "select count(*) = 0 from user_sessions",
}
"""What must hold in the database after the statement of that line."""


@dataclass(frozen=True)
class Ran:
    """What became of the statement of a line."""

    status: str
    said: str
    holds: bool = True


@dataclass(frozen=True)
class Stood:
    """What the whole document did on the service."""

    chapters: dict[str, tuple[Run, list[str]]]
    lines: dict[int, Ran]
    statements: dict[int, str]


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[tuple[Context, str]]:
    stage = Stage(folder, "leak", 60.0, changes={"guards": {"per_hour": 1000}}, targets=targets)
    async with stage.standing() as ready:
        config = yaml.safe_load(stage.config_path.read_text())
        service = config["services"]["rolerabbit"]
        service["shell"], service["binds"] = {}, {**service["binds"], **BINDS}
        stage.config_path.write_text(yaml.safe_dump(config))
        context = open_context(stage.config_path)
        try:
            yield context, str(ready["owner_url"])
        finally:
            await context.close()


async def driven(context: Context, run: Run, seconds: float = 20.0) -> Run:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run = await driver(context, watched=False).drive(run.id)
        if run.finished or run.waiting in ("approval", "tick", "decision"):
            break
        if run.chosen and run.chosen[0].verify_again:
            break  # nothing verifies a plain statement: in the end a person is asked
        await asyncio.sleep(0.05)
    return run


async def asked_for(context: Context, anchor: str, ident: str, owner: str, line: int) -> Ran:
    try:
        run = await run_document(context, f"{SEED}#{anchor}", "rolerabbit", step=ident, actor="olivia")
    except CommandError as error:
        return Ran("refused", str(error))
    run = await driven(context, run)
    if run.waiting == "approval":
        await runs.approve(context, run.id, "", "olivia")
        run = await driven(context, run)
    if run.waiting == "tick":
        return Ran("by hand", "")
    if run.left_out:
        return Ran("not offered", run.left_out[0][1])
    events = await context.store.read(run.stream)
    told = next(e for e in events if e.kind in ("statement.finished", "change.done", "change.failed", "change.unknown"))
    status = str(told.data.get("status", told.kind.removeprefix("change.")))
    holds = await asyncio.to_thread(_holds, owner, EFFECTS[line]) if line in EFFECTS else True
    return Ran(status, str(told.data["summary"]), holds)


def _holds(owner: str, question: str) -> bool:
    with psycopg.connect(owner) as database:
        row = database.execute(question.encode()).fetchone()
    return bool(row and row[0])


async def performed(folder: Path) -> Stood:
    async with standing(folder) as (context, owner):
        document = load_document(str(SEED))
        chapters, lines, texts = {}, {}, {}
        for runbook in document.runbooks:
            dry = await run_document(context, f"{SEED}#{runbook.id}", "rolerabbit", mode="dry-run")
            dry = await driven(context, dry, 40)
            chapters[runbook.id] = (dry, [e.kind for e in await context.store.read(dry.stream)])
        for runbook in document.runbooks:
            for _, step in runbook.steps():
                for statement in step.statements if step.runnable else ():
                    texts[statement.line] = statement.text
                    lines[statement.line] = await asked_for(context, runbook.id, statement.id, owner, statement.line)
        return Stood(chapters, lines, texts)


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> Stood:
    if not SEED.exists():
        pytest.skip("the source document ../shared/seed/rolerabbit-runbooks.md is not beside this clone")
    return asyncio.run(performed(tmp_path_factory.mktemp("seed")))


@pytest.mark.timeout(240)
def test_every_chapter_is_dry_run_and_changes_nothing(stood: Stood) -> None:
    assert len(stood.chapters) == 15
    for anchor, (run, kinds) in stood.chapters.items():
        assert run.finished, (anchor, run.waiting)
        assert run.outcome in ("healthy", "proposed", "unresolved"), anchor
        assert not [k for k in kinds if k.startswith("change.")], anchor
        placed = {i.id for i in run.program.items} | {i.id for i in run.program.skipped}
        document = load_document(str(SEED))
        runbook = document.find(anchor)
        assert runbook is not None
        every = {s.id for _, step in runbook.steps() if step.runnable for s in step.statements}
        told = " ".join(text for c in run.program.options for text in c.left_out)
        missing = {s for s in every if s not in placed and f"line {_line(runbook, s)}:" not in told}
        assert not missing, anchor
        assert all(i.refused for i in run.program.skipped), anchor


def _line(runbook: object, ident: str) -> int:
    steps = (step for _, step in runbook.steps())  # type: ignore[attr-defined]
    return next(s.line for step in steps for s in step.statements if s.id == ident)


def test_what_has_its_provider_really_runs(stood: Stood) -> None:
    assert {line: stood.lines[line] for line in PASSED if stood.lines[line].status != "passed"} == {}
    assert {line: stood.lines[line] for line in DONE if stood.lines[line].status != "done"} == {}
    for line, said in FAILED.items():
        assert (stood.lines[line].status, said in stood.lines[line].said) == ("failed", True)
    assert [stood.lines[line].status for line in BY_HAND] == ["by hand"]


def test_the_effects_are_in_the_database(stood: Stood) -> None:
    assert [line for line in EFFECTS if not stood.lines[line].holds] == []


def test_an_action_that_is_not_to_be_done_now_says_why(stood: Stood) -> None:
    for line, said in NOT_OFFERED.items():
        assert (stood.lines[line].status, said in stood.lines[line].said) == ("not offered", True), line


def test_what_has_no_provider_says_so_and_how_to_go_on(stood: Stood) -> None:
    known = {*PASSED, *DONE, *FAILED, *BY_HAND, *NOT_OFFERED}
    others = {line: ran for line, ran in stood.lines.items() if line not in known}
    assert len(others) >= 20
    for line, ran in others.items():
        assert ran.status in ("refused", "not offered"), (line, ran)
        assert any(word in ran.said for word in HOW_TO_GO_ON), (line, ran)


def test_the_tables_speak_of_lines_that_there_are(stood: Stood) -> None:
    assert {*PASSED, *DONE, *FAILED, *BY_HAND, *NOT_OFFERED, *EFFECTS} - set(stood.statements) == set()
