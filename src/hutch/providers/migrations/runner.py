"""Runs SQL migrations in dbmate's form: each in a transaction with its mark, or, where its file asks for it, statement
by statement; never waiting long for a lock, and trying again a few times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from hutch.ports import said
from hutch.providers.migrations.files import File, Step
from hutch.providers.migrations.owner import LOCKED, Session, Statement, said_by, write

PAUSE = 0.5
"""Seconds before the second try of a migration that waited too long for a lock; twice as long before each further."""


@dataclass(frozen=True, slots=True)
class Work:
    """One version to run: these steps of it, then the marks. ``drop_first`` are indexes that a failed build left."""

    file: File
    steps: tuple[Step, ...]
    marks: tuple[Statement, ...]
    together: bool
    drop_first: tuple[str, ...] = ()


@dataclass(slots=True)
class Ran:
    """What was done, in order; then, where it stopped, why. ``lost``: the connection went, so the last may have ended
    either way. ``busy``: it stopped since a lock was not to be had, and nothing of that version stands."""

    done: list[str] = field(default_factory=list)
    failed: str = ""
    lost: bool = False
    busy: bool = False


async def run_all(session: Session, work: Sequence[Work], tries: int, word: str) -> Ran:
    """One version after another, up to the first that fails."""
    ran = Ran()
    for number, one in enumerate(work, 1):
        try:
            await _run(session, one, tries)
        except _Stopped as stopped:
            ran.failed, ran.lost, ran.busy = stopped.said, stopped.lost, stopped.busy
            return ran
        ran.done.append(one.file.version)
        said(f"{word} {one.file.label} ({number} of {len(work)})\n")
    return ran


class _Stopped(Exception):
    def __init__(self, text: str, *, lost: bool = False, busy: bool = False) -> None:
        super().__init__(text)
        self.said, self.lost, self.busy = text, lost, busy


async def _run(session: Session, work: Work, tries: int) -> None:
    for name in work.drop_first:
        await _alone(session, work, Step(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"), 0, tries)
    if work.together:
        await _together(session, work, tries)
        return
    for number, step in enumerate(work.steps, 1):
        await _alone(session, work, step, number, tries)
    await _mark(session, work)


async def _together(session: Session, work: Work, tries: int) -> None:
    """All of it and its mark, or nothing."""
    for attempt in range(1, tries + 1):
        step = [0]
        try:
            async with session.transaction():
                for step[0], one in enumerate(work.steps, 1):
                    await session.execute(_raw(one))
                step[0] = 0
                await write(session, work.marks)
                return
        except LOCKED as error:
            if attempt == tries:
                text = f"{_where(work, step[0])}: {said_by(error)}, {tries} tries; it was rolled back"
                raise _Stopped(text, busy=True) from error
            said(f"{work.file.label}: a lock was not to be had; try {attempt + 1} of {tries}\n")
            await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
        except psycopg.Error as error:
            lost = session.closed or error.sqlstate is None
            how = "the connection was lost" if lost else "it was rolled back"
            raise _Stopped(f"{_where(work, step[0])}: {said_by(error)}; {how}", lost=lost) from error


async def _alone(session: Session, work: Work, step: Step, number: int, tries: int) -> None:
    """One statement by itself. An index whose build gave up is dropped before the next try, which would find it."""
    for attempt in range(1, tries + 1):
        try:
            await session.execute(_raw(step))
            return
        except LOCKED as error:
            if attempt == tries:
                raise _Stopped(f"{_where(work, number)}: {said_by(error)}, {tries} tries") from error
            said(f"{work.file.label}: a lock was not to be had; try {attempt + 1} of {tries}\n")
            await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
            await _clean_up(session, step)
        except psycopg.Error as error:
            lost = session.closed or error.sqlstate is None
            stopped = "the connection was lost" if lost else "what ran before it stands"
            raise _Stopped(f"{_where(work, number)}: {said_by(error)}; {stopped}", lost=lost) from error


async def _clean_up(session: Session, step: Step) -> None:
    for op in step.ops:
        if op.verb == "make" and op.key.kind == "index" and not op.unsure:
            await session.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {op.key.name}".encode())


async def _mark(session: Session, work: Work) -> None:
    try:
        async with session.transaction():
            await write(session, work.marks)
    except psycopg.Error as error:
        lost = session.closed or error.sqlstate is None
        raise _Stopped(f"{_where(work, 0)}: {said_by(error)}", lost=lost) from error


def _where(work: Work, number: int) -> str:
    return f"{work.file.label}, statement {number} of {len(work.steps)}" if number else f"{work.file.label}, its mark"


def _raw(step: Step) -> bytes:
    """As it is written; one statement, told apart from the others before."""
    return (step.statement.text if step.statement else step.text).encode()
