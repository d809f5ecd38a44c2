"""Letters to those whom a breach reached: once for each in the service's outbox, which sends them at its own pace."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.audit.arguments import Args, BadArguments, text
from hutch.providers.audit.client import AuditError, Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.queries import query
from hutch.providers.audit.reach import reach_of
from hutch.providers.audit.restrictions import masked

LONGEST_SUBJECT, LONGEST_BODY = 200, 20_000
ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,189}", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")
LIMIT = "letters_timeout"
"""The setting that bounds a statement over all letters."""
UNDO = "none once they are sent: a letter cannot be taken back"
Asked = dict[str, object]


@dataclass(frozen=True, slots=True)
class Queue:
    """``args``: ``campaign``; ``subject`` and ``body`` in the default ``language`` (en), ``translations`` with both for
    other languages; ``since``, ``until``, ``addresses``, ``accounts`` as assessed; ``recipients``, as many as were
    approved: more are refused."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell who would be written to", UNDO)
    async def preview(self, args: Args) -> Preview:
        """How many get it in which language, some of them, and the letter itself in each. The letter counts as one hit:
        people have a limit of their own, ``recipients``."""
        asked = self._asked(args)
        state = await self._meant(asked)
        left = state["meant"] - state["queued"]
        items = [f"to {masked(address)}" for address in state["some"]]
        items += [in_languages(state, asked)]
        items += versions(asked)
        refused = self.client.refusal or _more(asked, state)
        said = f"write to {left} people, {state['queued']} of {state['meant']} have the letter already"
        return Preview(said, min(left, 1), tuple(items), UNDO, refused)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Queue them in one statement; who has the letter gets no second one."""
        asked = self._asked(args)
        async with self.client.changing(LIMIT) as change:
            await change.alone("letters")
            queued = await change.rows(query("letters_queue", self.config), asked)
        state = await self._meant(asked)
        if refused := _more(asked, state):
            return Outcome(Result.FAILED, f"refused: {refused}")
        said = f"{len(queued)} letters were queued; {in_languages(state, asked)}"
        return Outcome(Result.DONE, said, hits=len(queued))

    @verified("can't tell whether the letters were queued")
    async def verify(self, args: Args) -> Verification:
        """Passed when everybody who is meant has a letter in the outbox, sent or not."""
        state = await self._meant(self._asked(args))
        said = f"{state['queued']} of {state['meant']} people have the letter in the outbox"
        return Verification(Verified.PASSED if state["queued"] == state["meant"] else Verified.FAILED, said)

    def _asked(self, args: Args) -> Asked:
        recipients = args.get("recipients")
        if isinstance(recipients, bool) or not isinstance(recipients, int) or recipients < 0:
            raise BadArguments("recipients must say how many were approved")
        letters = {"recipients": recipients, "language_column": self.config.columns["language"]}
        return {**reach_of(args, self.config), **_letter(args), **languages(args), **letters}

    async def _meant(self, asked: Asked) -> Row:
        """The reading login must not see the outbox, which holds codes: the operator's asks."""
        async with self.client.changing(LIMIT) as change:
            [row] = await change.rows(query("letters_meant", self.config), asked)
        return row


def _more(asked: Asked, state: Row) -> str:
    if state["meant"] <= int(str(asked["recipients"])):
        return ""
    return f"{state['meant']} people are meant now, more than the {asked['recipients']} that were approved"


def in_languages(state: Row, asked: Asked) -> str:
    """How many read it in which language, and how many of them for want of their own.

    >>> in_languages({"languages": {"en": 5, "de": 2}, "fallen": 3}, {"language": "en"})
    'by language: 2 de, 5 en; 3 of them fell back to en, there is no letter in their language or it is not known'
    """
    counts = ", ".join(f"{count} {language}" for language, count in sorted(state["languages"].items())) or "nobody"
    if not state["fallen"]:
        return f"by language: {counts}"
    why = "there is no letter in their language or it is not known"
    return f"by language: {counts}; {state['fallen']} of them fell back to {asked['language']}, {why}"


def _letter(args: Args) -> Asked:
    return {"campaign": text(args, "campaign"), **_written(args)}


def _written(args: Args) -> dict[str, str]:
    subject, body = text(args, "subject"), args.get("body")
    if len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise BadArguments(f"subject must be one line of at most {LONGEST_SUBJECT} characters")
    if not isinstance(body, str) or not body.strip() or len(body) > LONGEST_BODY or "\0" in body:
        raise BadArguments(f"body must be text of at most {LONGEST_BODY} characters")
    return {"subject": subject, "body": body}


def languages(args: Args) -> Asked:
    """The letter in every language, side by side as the statements take it."""
    others, default = args.get("translations", {}), text(args, "language", "en")
    if not isinstance(others, Mapping) or not all(isinstance(one, Mapping) for one in others.values()):
        raise BadArguments("translations must hold a subject and a body for each language")
    found = {default: _written(args), **{str(name): _written(one) for name, one in others.items()}}
    if wrong := [name for name in found if not LANGUAGE.fullmatch(name)]:
        raise BadArguments(f"{wrong[0]!r} is no language such as de or pt-br")
    return {
        "language": default, "languages": list(found), "subjects": [one["subject"] for one in found.values()],
        "bodies": [one["body"] for one in found.values()],
    }  # fmt: skip


def versions(asked: Asked) -> Iterable[str]:
    """The lines of the letter in every language, for a preview."""
    columns: Any = asked["languages"], asked["subjects"], asked["bodies"]
    for language, subject, body in zip(*columns, strict=True):
        yield from (f"subject ({language}): {subject}", *body.splitlines())


@dataclass(frozen=True, slots=True)
class Try:
    """``args``: ``campaign``, ``subject``, ``body`` as ``letters.queue`` gets them; ``to``, an address of ours."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell who would be written to", UNDO)
    async def preview(self, args: Args) -> Preview:
        """The letter and the one address."""
        asked = _tried(args)
        items = (f"subject: {asked['subject']}", *str(asked["body"]).splitlines())
        return Preview(f"write one letter to {asked['to']}, as a test", 1, items, UNDO, self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Queue the one letter."""
        asked = _tried(args)
        async with self.client.changing() as change:
            queued = await change.rows(query("letters_test", self.config), asked)
        said = f"a letter to {asked['to']} was queued"
        return Outcome(Result.DONE, said, hits=len(queued))

    @verified("can't tell whether the letter was queued")
    async def verify(self, args: Args) -> Verification:
        """Passed when the letter is in the outbox, sent or not."""
        asked = _tried(args)
        async with self.client.changing() as change:
            [row] = await change.rows(query("letters_tested", self.config), asked)
        said = f"{row['letters']} such letters to {asked['to']}, {row['sent']} of them sent"
        return Verification(Verified.PASSED if row["letters"] else Verified.FAILED, said)


def _tried(args: Args) -> Asked:
    to = text(args, "to")
    if not ADDRESS.fullmatch(to):
        raise BadArguments("to must be one mail address")
    return {**_letter(args), "to": to}


def letter_reads(client: Client, config: Config) -> Mapping[str, Callable[[Command], Awaitable[Outcome]]]:
    """``letters.status``. ``args``: ``campaign``."""
    return {"letters.status": partial(_status, client, config)}


async def _status(client: Client, config: Config, command: Command) -> Outcome:
    try:
        asked = {"campaign": text(command.args, "campaign")}
        async with client.changing(LIMIT) as change:
            [row] = await change.rows(query("letters_state", config), asked)
    except (AuditError, BadArguments) as error:
        return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, AuditError) and error.recoverable)
    said = f"{row['letters']} letters: {row['sent']} sent, {row['waiting']} waiting, {row['failed']} failed"
    return Outcome(Result.DONE, said, json.dumps(row))
