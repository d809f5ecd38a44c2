"""``secret.rotate``: a new value of a secret in Secrets Manager, made here and shown to nobody."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.amazon.calls import Calls, formed
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.aws.config import Config
from hutch.remote import Refused, Silent, applied, previewed

CURRENT, REPLACE = "AWSCURRENT", "replace"
BYTES = 32
"""Random bytes of a new value: 43 letters, digits, - and _."""
Args = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rotate:
    """Of one of the ``secrets`` of the settings, by its name there. With ``back_to`` the version that was before is the
    current one again; with ``from`` it applies only while that version is the current one."""

    read: Calls
    change: Calls
    config: Config
    made: dict[str, str] = field(default_factory=dict, compare=False)
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """Which version is current, and who gets the new one."""
        return await previewed(self._preview, args)

    async def apply(self, args: Args) -> Outcome:
        """Write the new version, once."""
        return await applied(self._apply, args)

    async def verify(self, args: Args) -> Verification:
        """Passed when the version that was made, or gone back to, is the current one."""
        try:
            now = await self._current(self._id(args)[0])
        except (Refused, Silent) as error:
            return Verification(Verified.UNKNOWN, str(error))
        name, left = str(args.get("secret") or ""), str(args.get("from") or "")
        wanted = str(args.get("back_to") or "") or self.made.get(name, "")
        if wanted:
            verdict = Verified.PASSED if now == wanted else Verified.FAILED
        else:
            verdict = Verified.UNKNOWN if not left else Verified.FAILED if now == left else Verified.PASSED
        return Verification(verdict, f"version {now} of {name} is current")

    async def _preview(self, args: Args) -> Preview:
        id_, part = self._id(args)
        now = await self._current(id_)
        if refused := _moved(args, now):
            return Preview("rotate a secret", 0, refused=refused)
        what = f"{part} of {id_}" if part else id_
        back = str(args.get("back_to") or "")
        words = f"make version {back} of {id_} current again" if back else f"give {what} a new random value"
        takers = "whoever reads it at its start, as ECS tasks do, has the old one until `service.restart`"
        return Preview(f"{words}; {takers}", 1, (f"current: version {now}",), f"version {now} becomes current again")

    async def _apply(self, args: Args) -> Outcome:
        id_, part = self._id(args)
        now = await self._current(id_)
        if refused := _moved(args, now):
            return Outcome(Result.FAILED, refused)
        new = str(args.get("back_to") or "")
        if new:
            await self.change("secretsmanager", "update_secret_version_stage", SecretId=id_, VersionStage=CURRENT,
                              MoveToVersionId=new, RemoveFromVersionId=now)  # fmt: skip
        else:
            value = await self._value(id_, part)
            made = await self.change("secretsmanager", "put_secret_value", SecretId=id_, SecretString=value)
            new = str(made["VersionId"])
        name = str(args["secret"])
        self.made[name] = new
        undo: dict[str, object] = {
            "action": "secret.rotate", "args": {"secret": name, "back_to": now, "from": new},
        }  # fmt: skip
        return Outcome(Result.DONE, f"version {new} of {id_} is current, after {now}", hits=1, undo=undo)

    async def _value(self, id_: str, part: str) -> str:
        """A new value. Of a secret with fields the others stay; one with fields is never replaced as a whole."""
        found = await self.change("secretsmanager", "get_secret_value", SecretId=id_)
        fields = _fields(str(found.get("SecretString") or ""))
        new = secrets.token_urlsafe(BYTES)
        if not part and fields is None:
            return new
        if not part:
            raise Refused(f"{id_} has fields: name the one to rotate, as {id_}#FIELD")
        if fields is None or part not in fields:
            raise Refused(f"{id_} has no field {part}")
        return json.dumps({**fields, part: new})

    async def _current(self, id_: str) -> str:
        found = await self.read("secretsmanager", "describe_secret", SecretId=id_)
        with formed("secretsmanager:DescribeSecret"):
            versions: Mapping[str, list[str]] = found.get("VersionIdsToStages") or {}
            return next((version for version, stages in versions.items() if CURRENT in stages), "none")

    def _id(self, args: Args) -> tuple[str, str]:
        """The secret's id and field. Only what the settings name is rotated."""
        name, stage = str(args.get("secret") or ""), args.get("stage") or REPLACE
        if stage != REPLACE:
            raise Refused(f"a secret of Secrets Manager is rotated by the stage {REPLACE}, not {stage}")
        if name not in self.config.secrets:
            known = ", ".join(self.config.secrets) or "none"
            raise Refused(f"no secret {name!r} under services.NAME.aws.secrets; there are: {known}")
        id_, _, part = self.config.secrets[name].partition("#")
        return id_, part


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
