"""A verb as a typed action: its preview asks, its verification looks, its undo is an action of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.command.config import Verb
from hutch.providers.command.line import Line, Unfit
from hutch.providers.command.machine import Machine, NotThere, Said

SHOWN = 20
"""Lines of a preview's output that are shown."""

Args = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Deed:
    """A verb that changes something."""

    verb: Verb
    machine: Machine

    @property
    def effect(self) -> Effect:
        """As the configuration says; a change where it says nothing."""
        return Effect.of(self.verb.effect)

    async def preview(self, args: Args) -> Preview:
        """The command line, what its own preview shows, how many it hits; refused where it could not run."""
        try:
            shown = self.verb.run.shown(args, self.verb.patterns)
            self.machine.program(self.verb.run.words[0])
            seen = await self._asked(self.verb.preview, args)
        except (Unfit, NotThere) as error:
            return Preview(self.verb.name, 0, refused=str(error))
        if seen and seen.code != 0:
            return Preview(shown, 0, refused=f"its preview failed: {seen.summary}")
        lines = [line for line in (seen.output if seen else "").splitlines() if line.strip()]
        hits = len(lines) if self.verb.hits is None else self.verb.hits
        return Preview(f"runs {shown}", hits, tuple(lines[:SHOWN]), self._undo_text(args))

    async def apply(self, args: Args) -> Outcome:
        """Run it, once. One whose time ran out may have done its work: unknown."""
        try:
            argv = self.verb.run.filled(args, self.verb.patterns)
            said = await self.machine.run(argv, self.verb.timeout)
        except (Unfit, NotThere) as error:
            return Outcome(Result.FAILED, str(error))
        result = Result.UNKNOWN if said.code is None else Result.FAILED if said.code else Result.DONE
        undo = {"action": self.verb.undo_name, "args": dict(args)} if self.verb.undo else {}
        hits = self.verb.hits or 0
        return Outcome(result, said.summary, said.output, said.code, said.seconds, hits, undo)

    async def verify(self, args: Args) -> Verification:
        """What the verifying command says; without one nobody can tell."""
        if self.verb.verify is None:
            why = f"no verify is configured for {self.verb.name}: say what you see"
            return Verification(Verified.UNKNOWN, why, final=True)
        try:
            said = await self._asked(self.verb.verify, args)
        except (Unfit, NotThere) as error:
            return Verification(Verified.UNKNOWN, str(error))
        assert said is not None
        return judged(self.verb, said)

    async def _asked(self, line: Line | None, args: Args) -> Said | None:
        if line is None:
            return None
        return await self.machine.run(line.filled(args, self.verb.patterns), self.verb.timeout)

    def _undo_text(self, args: Args) -> str:
        if self.verb.undo is None:
            return "none is configured"
        try:
            return self.verb.undo.shown(args, self.verb.patterns)
        except Unfit as error:
            return f"not with these arguments: {error}"


def judged(verb: Verb, said: Said) -> Verification:
    """``expect`` seen and exit 0 passes; ``pending`` seen is "not yet"; a look that did not end cannot tell."""
    tail = tuple(line for line in said.output.splitlines() if line.strip())[-5:]
    if said.code is None:
        return Verification(Verified.UNKNOWN, said.summary, tail)
    if verb.pending and verb.pending.search(said.output):
        return Verification(Verified.PENDING, "not yet", tail)
    if said.code:
        return Verification(Verified.FAILED, said.summary, tail)
    if verb.expect and not verb.expect.search(said.output):
        return Verification(Verified.FAILED, f"{verb.expect.pattern!r} is not shown", tail)
    return Verification(Verified.PASSED, "as expected" if verb.expect else "exit 0", tail)


@dataclass(frozen=True, slots=True)
class Question:
    """A verb that only reads: a document's step may call it, and it runs without approval."""

    verb: Verb
    machine: Machine

    async def run(self, command: Command) -> Outcome:
        """Ask, with the arguments of the step."""
        try:
            argv = self.verb.run.filled(command.args, self.verb.patterns)
            said = await self.machine.run(argv, min(self.verb.timeout, command.timeout))
        except (Unfit, NotThere) as error:
            return Outcome(Result.FAILED, str(error))
        good = said.code == 0 and (not self.verb.expect or self.verb.expect.search(said.output))
        result = Result.DONE if good else Result.FAILED
        return Outcome(result, said.summary, said.output, said.code, said.seconds, recoverable=said.code is None)


def undoing(verb: Verb) -> Verb:
    """The action that undoes ``verb``: the same arguments, no verification of its own."""
    assert verb.undo is not None
    return Verb(verb.undo_name, verb.undo, "change", verb.patterns, timeout=verb.timeout)
