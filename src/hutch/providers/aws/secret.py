"""``secret.rotate``: a new value of a secret in Secrets Manager, or the next stage of the key ring in it; made here and
shown to nobody."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hutch.amazon.calls import Calls, formed
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.aws.config import Config
from hutch.remote import Args, Refused, applied, previewed, verified, word_of
from hutch.rotation.stages import REPLACE, STAGES, Stages
from hutch.rotation.variable import variable_of

CURRENT = "AWSCURRENT"
BYTES = 32
"""Random bytes of a new value: 43 letters, digits, - and _."""


@dataclass(frozen=True, slots=True)
class Vault:
    """The ``secrets`` of the settings, by their names there. Implements :class:`hutch.rotation.stages.Safe`."""

    read: Calls
    change: Calls
    config: Config

    def place(self, secret: str) -> str:
        """The secret's id, with its field if it has one."""
        return self.config.secrets.get(secret, secret)

    async def value(self, secret: str) -> str:
        """What is current, by its version."""
        id_, part = self.id_of(secret)
        text = await self.whole(id_)
        if not part:
            return text
        fields = _fields(text)
        if fields is None or not isinstance(fields.get(part), str):
            raise Refused(f"{id_} has no field {part}")
        return str(fields[part])

    async def put(self, secret: str, value: str) -> str:
        """A new version; of a secret with fields the others stay, and it is never replaced as a whole."""
        id_, part = self.id_of(secret)
        fields = _fields(await self.whole(id_))
        if not part and fields is not None:
            raise Refused(f"{id_} has fields: name the one to rotate, as {id_}#FIELD")
        if part and (fields is None or part not in fields):
            raise Refused(f"{id_} has no field {part}")
        text = json.dumps({**(fields or {}), part: value}) if part else value
        made = await self.change("secretsmanager", "put_secret_value", SecretId=id_, SecretString=text)
        return f"version {made.get('VersionId') or 'unnamed'} of {id_} is current"

    async def whole(self, id_: str) -> str:
        """The text of the current version."""
        now = await self.current(id_)
        found = await self.change("secretsmanager", "get_secret_value", SecretId=id_, VersionId=now)
        return str(found.get("SecretString") or "")

    async def current(self, id_: str) -> str:
        """The version that is current."""
        found = await self.read("secretsmanager", "describe_secret", SecretId=id_)
        with formed("secretsmanager:DescribeSecret"):
            versions: Mapping[str, list[str]] = found.get("VersionIdsToStages") or {}
            return next((version for version, stages in versions.items() if CURRENT in stages), "none")

    def id_of(self, secret: str) -> tuple[str, str]:
        """The secret's id and field. Only what the settings name is rotated."""
        id_, _, part = variable_of(self.config.secrets, secret, "aws").partition("#")
        return id_, part


@dataclass(frozen=True, slots=True)
class Rotate:
    """Of one of the ``secrets``. With a ``stage`` of a ring that one. Else a new value: with ``back_to`` the version
    that was before is the current one again; with ``from`` it applies only while that version is the current one."""

    vault: Vault
    stages: Stages
    made: dict[str, str] = field(default_factory=dict, compare=False)
    effect: Effect = Effect.CHANGE

    @classmethod
    def of(cls, vault: Vault, now: Callable[[], datetime]) -> Rotate:
        """The action of one account's secrets."""
        return cls(vault, Stages(vault, now))

    @previewed
    async def preview(self, args: Args) -> Preview:
        """Which version is current, or which key signs, and who gets the new one."""
        return await (self.stages.preview(args) if _staged(args) else self._preview(args))

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Write the new version, once."""
        return await (self.stages.apply(args) if _staged(args) else self._apply(args))

    async def ring(self, command: Command) -> Outcome:
        """``secret.ring``."""
        return await self.stages.told(command)

    @verified
    async def verify(self, args: Args) -> Verification:
        """By the ring, or passed when the version that was made, or gone back to, is the current one."""
        if _staged(args):
            return await self.stages.verify(args)
        now = await self.vault.current(self._id(args)[0])
        name, left = word_of(args, "secret"), word_of(args, "from")
        wanted = word_of(args, "back_to") or self.made.get(name, "")
        if wanted:
            verdict = Verified.PASSED if now == wanted else Verified.FAILED
        else:
            verdict = Verified.UNKNOWN if not left else Verified.FAILED if now == left else Verified.PASSED
        return Verification(verdict, f"version {now} of {name} is current")

    async def _preview(self, args: Args) -> Preview:
        id_, part = self._id(args)
        now = await self.vault.current(id_)
        if refused := _moved(args, now):
            return Preview("rotate a secret", 0, refused=refused)
        what = f"{part} of {id_}" if part else id_
        back = word_of(args, "back_to")
        words = f"make version {back} of {id_} current again" if back else f"give {what} a new random value"
        takers = "whoever reads it at its start, as ECS tasks do, has the old one until `service.restart`"
        return Preview(f"{words}; {takers}", 1, (f"current: version {now}",), f"version {now} becomes current again")

    async def _apply(self, args: Args) -> Outcome:
        name, back = word_of(args, "secret"), word_of(args, "back_to")
        id_, _ = self._id(args)
        now = await self.vault.current(id_)
        if refused := _moved(args, now):
            return Outcome(Result.FAILED, refused)
        if back:
            await self.vault.change("secretsmanager", "update_secret_version_stage", SecretId=id_, VersionStage=CURRENT,
                                    MoveToVersionId=back, RemoveFromVersionId=now)  # fmt: skip
        else:
            await self.vault.put(name, secrets.token_urlsafe(BYTES))
        new = back or await self.vault.current(id_)
        self.made[name] = new
        undo: dict[str, object] = {
            "action": "secret.rotate", "args": {"secret": name, "back_to": now, "from": new},
        }  # fmt: skip
        return Outcome(Result.DONE, f"version {new} of {id_} is current, after {now}", hits=1, undo=undo)

    def _id(self, args: Args) -> tuple[str, str]:
        stage = word_of(args, "stage") or REPLACE
        if stage != REPLACE:
            raise Refused(f"the stages are {', '.join((*STAGES, REPLACE))}, not {stage}")
        return self.vault.id_of(word_of(args, "secret"))


def _staged(args: Args) -> bool:
    return word_of(args, "stage") in STAGES


def _moved(args: Args, now: str) -> str:
    left, back = str(args.get("from") or ""), str(args.get("back_to") or "")
    if left and now not in {left, back}:
        return f"version {now} is current now, not {left}: look again before changing anything"
    return f"version {now} is current already" if back and now == back else ""


def _fields(text: str) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
