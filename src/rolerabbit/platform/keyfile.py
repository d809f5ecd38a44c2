"""The platform's secret store: the service's key rings, in a file that only we can read, and what each key is for.

A key is `new` (verifies only), `signs`, `old` (verifies only) or `off` (gone; its id stays as a record). Each step is
written down before it is brought into force, so that one that was broken off is gone on with.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, get_args

from rolerabbit.keys import KEY_BYTES, Ring, new_id
from rolerabbit.platform.errors import BadRequest, Conflict, PlatformError

State = Literal["new", "signs", "old", "off"]
VARIABLES: Final = {"jwt": "JWT_KEYS", "encryption": "ENCRYPTION_KEYS"}
"""The rings, and the variable by which a replica gets each of them."""

_ORDER: Final = {"signs": 0, "new": 1, "old": 2}


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `value` is empty once it is off."""

    id: str
    state: State
    changed_at: str
    value: str = field(repr=False, default="")

    def at(self, state: State, now: str) -> Key:
        """The key in another state; its value goes with `off`."""
        return replace(self, state=state, changed_at=now, value="" if state == "off" else self.value)


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys by ring, oldest first. `in_force`: every replica was started with them as they are."""

    rings: dict[str, tuple[Key, ...]]
    in_force: bool = True

    def ring(self, name: str) -> tuple[Key, ...]:
        """The keys of one ring; BadRequest for a name that is none."""
        if name not in self.rings:
            raise BadRequest(f"there is no secret {name!r}", f"use one of: {', '.join(self.rings)}")
        return self.rings[name]

    def environment(self) -> dict[str, str]:
        """The rings as replicas read them: the key that signs first."""
        return {VARIABLES[name]: _ring(keys).text() for name, keys in self.rings.items()}

    def signer(self, name: str) -> str:
        """The id of the key that signs or seals."""
        return next(key.id for key in self.ring(name) if key.state == "signs")

    def added(self, name: str, now: str) -> Keys:
        """With a new key that verifies only; unchanged where one waits already."""
        if any(key.state == "new" for key in self.ring(name)):
            return self
        fresh = Key(new_id(), "new", now, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        return self._with(name, (*self.ring(name), fresh))

    def promoted(self, name: str, now: str) -> Keys:
        """The new key signs, the one that did verifies only; Conflict where there is no new one."""
        if not any(key.state == "new" for key in self.ring(name)):
            raise Conflict(f"{name}: there is no new key", "add one first")
        steps: dict[State, State] = {"new": "signs", "signs": "old"}
        moved = (key.at(steps[key.state], now) if key.state in steps else key for key in self.ring(name))
        return self._with(name, moved)

    def retired(self, name: str, now: str) -> Keys:
        """Without those that were replaced."""
        return self._with(name, (key.at("off", now) if key.state == "old" else key for key in self.ring(name)))

    def given(self, name: str, ring: Ring, now: str) -> Keys:
        """With the ring that somebody wrote into the store: its first key signs, those that it lacks are off."""
        known = {key.id: key for key in self.ring(name)}
        listed = tuple(_given(id, key, known.get(id), id == ring.first, now) for id, key in ring.keys.items())
        off = (key if key.state == "off" else key.at("off", now) for key in known.values() if key.id not in ring.keys)
        return self._with(name, (*off, *listed))

    def told(self) -> dict[str, list[dict[str, str]]]:
        """Ids, states and times; no values."""
        return {
            name: [{"id": key.id, "state": key.state, "changed_at": key.changed_at} for key in keys]
            for name, keys in self.rings.items()
        }

    def _with(self, name: str, keys: Iterable[Key]) -> Keys:
        found = tuple(keys)
        same = found == self.rings[name]
        return replace(self, rings={**self.rings, name: found}, in_force=self.in_force and same)


def _given(id: str, value: bytes, before: Key | None, first: bool, now: str) -> Key:
    state: State = "signs" if first else "new" if before is None or before.state == "new" else "old"
    text = base64.b64encode(value).decode()
    same = before is not None and (before.state, before.value) == (state, text)
    return before if before is not None and same else Key(id, state, now, text)


def _ring(keys: tuple[Key, ...]) -> Ring:
    usable = sorted((key for key in keys if key.state != "off"), key=lambda key: _ORDER[key.state])
    return Ring({key.id: base64.b64decode(key.value) for key in usable})


def first(now: str) -> Keys:
    """One key for each ring."""
    keys = Keys(dict.fromkeys(VARIABLES, ()))
    for name in VARIABLES:
        keys = keys.added(name, now).promoted(name, now)
    return replace(keys, in_force=True)


def load(path: Path, now: str) -> Keys:
    """The file's keys, new ones where there is no file. PlatformError where it can't be read: nothing is replaced."""
    if not path.exists():
        return first(now)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rings = {name: tuple(Key(**row) for row in found["rings"][name]) for name in VARIABLES}
        keys = Keys(rings, found["in_force"] is True)
        if any(key.state not in get_args(State) for ring in rings.values() for key in ring):
            raise ValueError("a state is unknown")
        if any([key.state for key in ring].count("signs") != 1 for ring in rings.values()):
            raise ValueError("not one key signs")
        keys.environment()
        return keys
    except (ValueError, KeyError, TypeError) as error:
        raise PlatformError(
            f"{path} is damaged ({type(error).__name__})",
            "bring it back from a backup: without it nothing can be opened",
        ) from error


def dump(keys: Keys) -> str:
    """The file's text."""
    rings = {
        name: [{"id": k.id, "state": k.state, "changed_at": k.changed_at, "value": k.value} for k in found]
        for name, found in keys.rings.items()
    }
    return json.dumps({"rings": rings, "in_force": keys.in_force})
