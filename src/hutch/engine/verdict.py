"""When a change has worked: every word that can be had must say so. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hutch.model.action import Verification, Verified

Cause = Mapping[str, object]
"""A cause in the journal's form."""


def combine(words: Sequence[Verification | None]) -> Verification:
    """One verdict from all: failed if any failed, else pending, else unknown; passed only if all passed.

    Nothing that could tell is ``unknown``: the absence of a verification is never a pass.
    """
    said = [w for w in words if w is not None]
    evidence = tuple(e for w in said for e in (w.summary, *w.evidence) if e)
    for verdict in (Verified.FAILED, Verified.PENDING, Verified.UNKNOWN):
        against = [w for w in said if w.verdict is verdict]
        if against:
            final = all(w.final for w in against)
            return Verification(verdict, "; ".join(w.summary for w in against), evidence, final)
    if not said:
        return Verification(Verified.UNKNOWN, "nothing verifies this change: say what you see")
    others = tuple(dict.fromkeys(code for w in said for code in w.besides))
    firing = tuple(dict.fromkeys(code for w in said for code in w.firing))
    return Verification(Verified.PASSED, "; ".join(w.summary for w in said), evidence, besides=others, firing=firing)


def settle(word: Verification, last: bool, *, known: bool = True, told: bool = True) -> Verification:
    """Before its time is up anything but a pass is "not yet"; at the end "not yet" is a failure.

    Where nobody ``told`` anything, or what was told is final, waiting changes nothing: it stays so, at once. Where it
    is not ``known`` whether the change was made at all, nothing but a pass is a verdict: it may still be under way
    somewhere, so a person looks.
    """
    if word.verdict is Verified.PASSED or word.final or not told:
        return word
    if not last:
        return Verification(Verified.PENDING, word.summary, word.evidence)
    if not known:
        return Verification(Verified.UNKNOWN, word.summary, word.evidence)
    verdict = Verified.FAILED if word.verdict is Verified.PENDING else word.verdict
    return Verification(verdict, word.summary, word.evidence)


def cured(
    before: str, diagnosis: Mapping[str, object], known: Sequence[Cause] = (), approved: Collection[str] = ()
) -> Verification:
    """Whether the cause that the remedy was for is no longer among the causes.

    ``known`` are the causes as they were before the remedy. Another one is held against it, since it may be the same
    trouble by another name, unless it was known then, and was less sure than the one that was treated or has a remedy
    that somebody ``approved``: an INVALID index of last week does not keep today's lock from being cured.
    """
    lesser = _lesser(before, known, approved)
    causes: Sequence[Cause] = diagnosis["causes"]  # type: ignore[assignment]
    left = [str(c["code"]) for c in causes if _identity(c) not in lesser]
    if before in left:
        return Verification(Verified.PENDING, f"{before} is still there")
    if left:
        return Verification(Verified.PENDING, f"{before} is gone, but there is {', '.join(left)}")
    if diagnosis["healthy"] is None or _blind(diagnosis):
        return Verification(Verified.UNKNOWN, f"{before} is gone, but not every check could tell")
    if causes:
        others = tuple(dict.fromkeys(str(c["code"]) for c in causes))
        told = f"{before} is gone; what was there besides is another matter: {', '.join(others)}"
        return Verification(Verified.PASSED, told, besides=others)
    return Verification(Verified.PASSED, f"{before} is gone; every check is well")


def besides(before: str, known: Sequence[Cause], approved: Collection[str] = ()) -> frozenset[str]:
    """The codes of what was known to be there besides, of which an alert does not speak against the cure."""
    lesser = _lesser(before, known, approved)
    return frozenset(str(c["code"]) for c in known if _identity(c) in lesser) - {before}


def _lesser(before: str, known: Sequence[Cause], approved: Collection[str]) -> set[str]:
    """What was known to be there as well, and was less sure or is treated too."""
    sure = max((_confidence(c) for c in known if c["code"] == before), default=0.0)
    treated = set(approved) - {before}
    return {_identity(c) for c in known if _confidence(c) < sure or c["code"] in treated}


def _blind(diagnosis: Mapping[str, object]) -> bool:
    """Whether a check that matters could not tell: the cause may only be out of sight."""
    checks: Sequence[Mapping[str, object]] = diagnosis.get("checks", ())  # type: ignore[assignment]
    return any(check["status"] == "unknown" and check.get("matters", True) for check in checks)


def _confidence(cause: Cause) -> float:
    return float(str(cause.get("confidence", 1.0)))


def _identity(cause: Cause) -> str:
    """A cause by its code and object, in words."""
    thing = cause.get("object")
    named = f"{thing.get('kind')} {thing.get('id')}" if isinstance(thing, Mapping) else ""
    return f"{cause['code']} {cause.get('target')} {named}"
