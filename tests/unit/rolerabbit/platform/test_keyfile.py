"""The platform's keys: what each is for, and the steps of a rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolerabbit.keys import Ring
from rolerabbit.platform import keyfile
from rolerabbit.platform.control import write_private
from rolerabbit.platform.errors import BadRequest, Conflict, PlatformError
from rolerabbit.platform.rotation import Secrets


def states(keys: keyfile.Keys, name: str = "jwt") -> list[str]:
    return [key.state for key in keys.ring(name)]


def test_a_rotation_goes_step_by_step() -> None:
    keys = keyfile.first("t0")
    before = keys.signer("jwt")
    added = keys.added("jwt", "t1")
    assert (states(added), added.in_force, added.signer("jwt")) == (["signs", "new"], False, before)
    assert added.added("jwt", "t2") == added
    promoted = added.promoted("jwt", "t2")
    assert states(promoted) == ["old", "signs"]
    ring = Ring.parse(promoted.environment()["JWT_KEYS"])
    assert (ring.first, len(ring.keys)) == (promoted.signer("jwt"), 2)
    gone = promoted.retired("jwt", "t3")
    assert states(gone) == ["off", "signs"]
    assert gone.ring("jwt")[0].value == ""
    assert list(Ring.parse(gone.environment()["JWT_KEYS"]).keys) == [promoted.signer("jwt")]
    assert states(gone, "encryption") == ["signs"]


def test_a_key_that_is_not_there_cant_sign() -> None:
    with pytest.raises(Conflict, match="no new key"):
        keyfile.first("t0").promoted("jwt", "t1")
    with pytest.raises(BadRequest, match="jwt, encryption"):
        keyfile.first("t0").added("nonsense", "t1")


def test_no_value_is_told() -> None:
    keys = keyfile.first("t0").added("jwt", "t1")
    assert all(key.value not in str(keys.told()) + repr(keys) for ring in keys.rings.values() for key in ring)


@pytest.mark.parametrize("text", ["", "{}", '{"rings": {"jwt": [], "encryption": []}, "in_force": true}', "[1]"])
def test_a_damaged_file_is_never_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(PlatformError, match="damaged"):
        keyfile.load(path, "t0")
    assert path.read_text() == text


class Broken(Exception):
    pass


async def test_a_rotation_that_breaks_off_anywhere_is_gone_on_with(tmp_path: Path) -> None:
    """Each restart fails once; after each the platform itself is started anew. The old key is good until the end."""
    path, restarts = tmp_path / "keys.json", 0

    def open_again() -> Secrets:
        return Secrets(path, "postgresql://nowhere", lambda: "t", write_private)

    secrets = open_again()
    before = secrets.keys.signer("jwt")
    seen = []

    async def fails() -> None:
        raise Broken

    async def works() -> None:
        nonlocal restarts
        restarts += 1
        if restarts == 1:
            secrets.started()
            return
        raise Broken

    async def whole() -> None:
        secrets.started()

    for restart in (fails, works, fails):
        with pytest.raises(Broken):
            await secrets.add("jwt", before, restart)
        secrets = open_again()
        seen.append((states(secrets.keys), secrets.keys.in_force))
        assert before in Ring.parse(secrets.environment()["JWT_KEYS"]).keys
    assert seen == [(["signs", "new"], False), (["old", "signs"], False), (["old", "signs"], False)]
    await secrets.add("jwt", before, whole)
    await secrets.add("jwt", before, whole)
    assert (states(secrets.keys), secrets.keys.in_force) == (["old", "signs"], True)
    with pytest.raises(Conflict, match="still verifies"):
        await secrets.add("jwt", secrets.keys.signer("jwt"), whole)
    with pytest.raises(Broken):
        await secrets.retire("jwt", fails)
    secrets = open_again()
    await secrets.retire("jwt", whole)
    assert (states(secrets.keys), secrets.keys.in_force) == (["off", "signs"], True)
    assert path.stat().st_mode & 0o777 == 0o600
