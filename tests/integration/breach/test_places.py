"""``hutch breach contain`` with the keys in Secrets Manager, at Vercel and Railway: whole, on the real RoleRabbit."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from breach_world import running
from rolerabbit.keys import Ring
from spoken import said

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PLACES = ("aws", "vercel", "railway")
ORDER = ["preserve", "close", "jwt-add", "encryption-add", "jwt-retire", "revoke", "prove", "encryption-retire"]
KEY_ID, KEY = {"env": "AWS_ACCESS_KEY_ID"}, {"env": "AWS_SECRET_ACCESS_KEY"}
NAMED = {"jwt": "JWT_KEYS", "encryption": "ENCRYPTION_KEYS"}
HOME = {"phone": "1", "address": "Elm Street"}


@contextmanager
def manager() -> Iterator[tuple[str, Any]]:
    """Secrets Manager with both rings as fields of one secret, as a task definition would name them."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        client = boto3.client("secretsmanager", region_name="eu-central-1", endpoint_url=address,
                              aws_access_key_id="x", aws_secret_access_key="x")  # fmt: skip
        client.create_secret(
            Name="prod/api", SecretString=json.dumps({"url": "kept", **{k: Ring.fresh().text() for k in NAMED}})
        )
        yield address, client
    finally:
        server.stop()


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A world of its own, and the blocks by which its keys are rotated and it is started anew."""
    if request.param != "aws":
        with running() as world:
            block = {**world.ready[request.param], "token": {"env": "PLATFORM"}, "changes": True, "secrets": NAMED}
            yield world, {request.param: {**block, "look_every": 0.2}, "local": None}
        return
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    with manager() as (address, _):
        handed = [f"--secret={variable}=prod/api#{name}" for name, variable in NAMED.items()]
        with running(*handed, "--secrets-endpoint", address) as world:
            keys = {"access_key_id": KEY_ID, "secret_access_key": KEY, "changes": True}
            block = {"region": "eu-central-1", "endpoint": address, **keys,
                     "secrets": {name: f"prod/api#{name}" for name in NAMED}}  # fmt: skip
            ecs = {**world.ready["ecs"], "access_key_id": KEY_ID, "changes": True, "look_every": 0.2}
            yield world, {"aws": block, "ecs": {**ecs, "secret_access_key": {"env": "PLATFORM"}}, "local": None}


def opened() -> str:
    code, out, err = said("breach", "open", "--json")
    assert code == 0, err
    return str(json.loads(out)["incident"])


def contained(world: Any, incident: str, *more: str) -> dict[str, Any]:
    code, out, err = said("breach", "contain", incident, "--closed", "fixed", "--yes", "--json", *more)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def proved(world: Any, found: dict[str, Any], stolen: str) -> None:
    passed = [gate["gate"] for gate in found["gates"] if gate["passed_at"]]
    assert passed == ORDER
    proofs = {gate["gate"]: gate["proof"] for gate in found["gates"] if gate["passed_at"]}
    assert proofs["prove"] == "old token: 401, old session: 401, new log-in: 200, new session: 200"
    assert "no other key" in proofs["jwt-retire"] and "no other key" in proofs["encryption-retire"]
    assert world.status(stolen) == 401
    again = world.log_in("ann@example.com")
    assert world.ask("GET", "/api/account/profile", token=again) == (200, HOME)
    assert said("verify")[0] == 0


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_the_keys_are_rotated_where_they_live_and_no_request_is_refused(
    place: tuple[Any, dict[str, Any]], configure_for: Callable[..., Path]
) -> None:
    world, blocks = place
    folder = configure_for(world, **blocks)
    stolen = world.log_in("ann@example.com")
    assert world.ask("PUT", "/api/account/profile", HOME, stolen)[0] == 204
    incident = opened()
    waits = said("breach", "contain", incident, "--closed", "fixed")
    assert (waits[0], "1 of 4: jwt: a new key that all know" in waits[2]) == (4, True), waits[2]
    answers: list[int] = []
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            answers.append(world.ask("GET", "/api/portfolios")[0])

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        found = contained(world, incident)
    finally:
        stop.set()
        visitor.join()
    assert set(answers) == {200}
    proved(world, found, stolen)
    everything = b"".join(path.read_bytes() for path in (folder / ".hutch").rglob("*") if path.is_file())
    for secret in (os.environ["CANARY_TOKEN"], os.environ["CANARY_SESSION"], stolen):
        assert secret.encode() not in everything
    assert b"k2" in everything and not any(part in everything for part in _values(world))


def _values(world: Any) -> list[bytes]:
    kept = json.loads((Path(world.ready["data_dir"]) / "keys.json").read_text())
    return [key["value"].encode() for ring in kept["rings"].values() for key in ring if key["value"]]
