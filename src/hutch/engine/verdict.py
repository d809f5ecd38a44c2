"""When a change has worked: every word that can be had must say so. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.model.action import Verification, Verified


def combine(words: Sequence[Verification | None]) -> Verification:
    """One verdict from all: failed if any failed, else pending, else unknown; passed only if all passed.

    Nothing that could tell is ``unknown``: the absence of a verification is never a pass.
    """
    said = [w for w in words if w is not None]
    evidence = tuple(e for w in said for e in (w.summary, *w.evidence) if e)
    for verdict in (Verified.FAILED, Verified.PENDING, Verified.UNKNOWN):
        against = [w for w in said if w.verdict is verdict]
        if against:
            return Verification(verdict, "; ".join(w.summary for w in against), evidence)
    if not said:
        return Verification(Verified.UNKNOWN, "nothing verifies this change: say what you see")
    return Verification(Verified.PASSED, "; ".join(w.summary for w in said), evidence)


def settle(word: Verification, last: bool, *, known: bool = True, told: bool = True) -> Verification:
    """Before its time is up anything but a pass is "not yet"; at the end "not yet" is a failure.

    Where nobody ``told`` anything, waiting changes nothing: it stays unknown, at once. Where it is not ``known``
    whether the change was made at all, nothing but a pass is a verdict: it may still be under way somewhere, so a
    person looks.
    """
    if word.verdict is Verified.PASSED or not told:
        return word
    if not last:
        return Verification(Verified.PENDING, word.summary, word.evidence)
    if not known:
        return Verification(Verified.UNKNOWN, word.summary, word.evidence)
    verdict = Verified.FAILED if word.verdict is Verified.PENDING else word.verdict
    return Verification(verdict, word.summary, word.evidence)


def cured(before: str, diagnosis: dict[str, object]) -> Verification:
    """Whether the cause that the remedy was for is no longer among the causes."""
    causes = diagnosis["causes"]
    codes = [str(c["code"]) for c in causes]  # type: ignore[attr-defined]
    if before in codes:
        return Verification(Verified.PENDING, f"{before} is still there")
    if codes:
        return Verification(Verified.PENDING, f"{before} is gone, but there is {', '.join(codes)}")
    if diagnosis["healthy"] is None:
        return Verification(Verified.UNKNOWN, f"{before} is gone, but not every check could tell")
    return Verification(Verified.PASSED, f"{before} is gone; every check is well")
