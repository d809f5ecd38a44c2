"""Which process does what of the work that each of them could do: decided by all of them alike, without a leader.

Each sees who lives and who has what, and comes to the same plan: whoever has a share keeps it, as far as it is a fair
one; what nobody has, and what somebody has too much of, goes to those with room. Where several could have it, the hash
of both names decides (rendezvous: Thaler and Ravishankar, 1998), so that two who begin together agree.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence


def score(member: str, key: str) -> int:
    """How much a process is meant for a piece of work; of several the one with the most has it."""
    return int.from_bytes(hashlib.sha256(f"{member}\0{key}".encode()).digest()[:8], "big")


def plan(keys: Collection[str], able: Mapping[str, Collection[str]], held: Mapping[str, str]) -> dict[str, str]:
    """Who shall have each key: names of members by keys.

    ``able`` says what each living member can do, ``held`` who has what now; members that live no more may stand in it.
    Nobody has two more than another that could do it all, nothing moves between two that both stay within their share,
    and what came of a plan is the plan of the next time. A key that nobody can do is left out.

    >>> plan(["a", "b"], {"one": ["a", "b"], "two": ["a", "b"]}, {"a": "one", "b": "gone"})
    {'a': 'one', 'b': 'two'}
    """
    can = {member: frozenset(keys) & frozenset(known) for member, known in able.items()}
    can = {member: known for member, known in can.items() if known}
    wanted = sorted(key for key in set(keys) if any(key in known for known in can.values()))
    mine = {member: [key for key in wanted if held.get(key) == member and key in can[member]] for member in can}
    room = _shares(mine, len(wanted))
    found: dict[str, str] = {}
    for member, kept in mine.items():
        best = sorted(kept, key=lambda key: (score(member, key), key), reverse=True)
        found |= dict.fromkeys(best[: room[member]], member)
    taken = Counter(found.values())
    for key in (key for key in wanted if key not in found):
        free = [m for m in can if key in can[m] and taken[m] < room[m]]
        found[key] = _meant(key, free) if free else _crowded(key, can, held)
        taken[found[key]] += 1
    return {key: found[key] for key in wanted}


def _shares(mine: Mapping[str, Sequence[str]], count: int) -> dict[str, int]:
    """How many each may have; where that is not even, those have one more that have most already."""
    order = sorted(mine, key=lambda member: (-len(mine[member]), member))
    least, more = divmod(count, len(order)) if order else (0, 0)
    return {member: least + (number < more) for number, member in enumerate(order)}


def _meant(key: str, members: Collection[str]) -> str:
    return max(members, key=lambda member: (score(member, key), member))


def _crowded(key: str, can: Mapping[str, Collection[str]], held: Mapping[str, str]) -> str:
    """Where nobody who can do it has room: it stays, or goes to who is meant for it."""
    able = [member for member, known in can.items() if key in known]
    return held[key] if held.get(key) in able else _meant(key, able)
