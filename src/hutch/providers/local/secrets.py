"""Rotating what a local platform hands to its replicas: a new key signs, the old one still verifies, then it goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.local.client import Client, KeyRings
from hutch.providers.local.doing import text
from hutch.remote import Args, Refused, Silent, applied, previewed, verified

STAGES: Final = ("add", "sign", "retire")
SEALS: Final = "encryption"
"""The secret whose keys seal what is stored."""
ROLES: Final[Mapping[str, str]] = {"signs": "signs", "new": "verifies only", "old": "verifies only", "off": "is off"}


@dataclass(frozen=True, slots=True)
class Rotate:
    """``secret.rotate``: ``stage: add`` makes a new key that signs while the old one verifies, ``retire`` turns the
    old one off. ``sign`` finds done what ``add`` does here in one step.

    ``signer`` is the key that signed when it was approved: said twice, it is done once.
    """

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """Which key signs, which verify, and how many replicas are started anew."""
        rings, status = await self.client.keys(), await self.client.status()
        said, refused = _said(args, rings), _refused(args, rings)
        ring = rings.rings.get(text(args, "secret"), ())
        if refused:
            return Preview(said, 0, refused=refused)
        if _judge(args, rings).verdict is Verified.PASSED and (text(args, "signer") or text(args, "stage") != "add"):
            return Preview(f"{said}: it is so already", 0)
        items = [f"key {key.id} {ROLES.get(key.state, key.state)}{_sealed(rings, key.id)}" for key in ring]
        items.append(f"{len(status.replicas)} replicas are started anew, new ones first")
        return Preview(said, len(status.replicas), tuple(items), _way_back(args))

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Rotate, and answer once every replica has the keys."""
        refused = _refused(args, await self.client.keys())
        if refused:
            return Outcome(Result.FAILED, refused)
        secret = text(args, "secret")
        if text(args, "stage") == "sign":
            return Outcome(Result.DONE, f"{secret}: {_stand(await self.client.keys(), secret)}; it was so already")
        if text(args, "stage") == "add":
            await self.client.change("/keys", {"secret": secret, "signer": text(args, "signer")})
        else:
            await self.client.change("/keys/retire", {"secret": secret})
        rings = await self.client.keys()
        return Outcome(Result.DONE, f"{secret}: {_stand(rings, secret)}", hits=1)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when the keys stand as they should and every replica was started with them."""
        return _judge(args, await self.client.keys())

    async def ring(self, command: Command) -> Outcome:
        """``secret.ring``: the ids of a ring's keys by what they are for, as JSON. No value."""
        secret = text(command.args, "secret")
        try:
            rings = await self.client.keys()
        except (Refused, Silent) as error:
            return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, Silent))
        found = {"signs": rings.signer(secret), **{state: rings.in_state(secret, state) for state in ("new", "old")}}
        return Outcome(Result.DONE, _stand(rings, secret), json.dumps(found))


def _said(args: Args, rings: KeyRings) -> str:
    secret = text(args, "secret") or "a secret"
    if text(args, "stage") == "retire":
        return f"turn off the keys of {secret} that were replaced"
    return f"a new key of {secret} signs, {rings.signer(secret) or 'the old one'} still verifies"


def _way_back(args: Args) -> str:
    if text(args, "stage") == "retire":
        return "none: a key that is off is gone; nothing is sealed with it, and what it signed is refused"
    return "not needed: until it is retired, the old key is as good as before"


def _refused(args: Args, rings: KeyRings) -> str:
    """Why it must not run, or nothing."""
    secret, stage = text(args, "secret"), text(args, "stage")
    if secret not in rings.rings:
        return f"say which secret to rotate: secret, one of {', '.join(rings.rings)}"
    if stage not in STAGES:
        return f"this platform knows the stages {', '.join(STAGES)}, not {stage or 'none'}"
    if args.get("deploy") is False:
        return "replicas get their secrets when they start: it can't be done without deploying anew"
    signer, old = text(args, "signer"), rings.in_state(secret, "old")
    if stage == "add" and old and signer in ("", rings.signer(secret)):
        return f"key {', '.join(old)} was replaced before and still verifies: retire it first"
    if stage == "sign" and not old:
        return "there is no new key to sign: stage add makes one"
    sealed = sum(rings.sealed.get(key, 0) for key in old)
    if stage == "retire" and secret == SEALS and sealed:
        return f"{sealed} rows are still sealed with {', '.join(old)}: they are being sealed anew, look again soon"
    return ""


def _judge(args: Args, rings: KeyRings) -> Verification:
    secret, signer = text(args, "secret"), text(args, "signer")
    old, stand = rings.in_state(secret, "old"), _evidence(rings, secret)
    if text(args, "stage") == "retire":
        reached = not old
    else:
        reached = rings.signer(secret) not in ("", signer) if signer else bool(old)
    said = f"{secret}: {_stand(rings, secret)}"
    if not reached:
        waits = text(args, "stage") == "add" and rings.in_state(secret, "new")
        verdict = Verified.PENDING if waits else Verified.FAILED
        return Verification(verdict, f"{said}; a new key has yet to sign" if waits else said, stand)
    if not rings.in_force:
        return Verification(Verified.PENDING, f"{said}; not every replica has it yet", stand)
    return Verification(Verified.PASSED, f"{said}; every replica has it", stand)


def _stand(rings: KeyRings, secret: str) -> str:
    old = rings.in_state(secret, "old")
    off = rings.in_state(secret, "off")
    others = f"{', '.join(old)} verifies" if old else f"{', '.join(off[-1:])} is off" if off else "no other key"
    return f"{rings.signer(secret)} signs, {others}"


def _evidence(rings: KeyRings, secret: str) -> tuple[str, ...]:
    return tuple(
        f"key {key.id} {ROLES.get(key.state, key.state)} since {key.changed_at}" for key in rings.rings.get(secret, ())
    )


def _sealed(rings: KeyRings, key: str) -> str:
    return f", {rings.sealed[key]} rows are sealed with it" if key in rings.sealed else ""
