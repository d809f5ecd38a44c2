"""``hutch breach contain`` on the real RoleRabbit: in order, each step approved, each with its proof."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.commands.errors import CommandError

MANY = """
INSERT INTO user_sessions (token_hash, user_id, expires_at)
SELECT sha256(n::text::bytea), (SELECT id FROM users LIMIT 1), now() + interval '1 day'
FROM generate_series(1, 200) n"""
"""More sessions than one action may otherwise hit."""

ORDER = ["preserve", "close", "jwt-add", "encryption-add", "jwt-retire", "revoke", "prove", "encryption-retire"]


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code as ``hutch`` gives it."""

    exit_code: int
    stdout: str
    stderr: str


def said(*words: str) -> Said:
    result = CliRunner().invoke(cli, words)
    error = result.exception
    if error is None or isinstance(error, SystemExit):
        return Said(result.exit_code, result.stdout, result.stderr)
    assert isinstance(error, CommandError), result.exc_info
    return Said(error.code, result.stdout, f"{result.stderr}{error}")


def told(*words: str, code: int = 0) -> dict[str, Any]:
    result = said(*words, "--json")
    assert result.exit_code == code, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def done(found: dict[str, Any]) -> list[str]:
    return [gate["gate"] for gate in found["gates"] if gate["passed_at"]]


def test_containment_from_the_stolen_token_to_the_proof(world: Any, configure: Any) -> None:
    folder = configure()
    stolen, home = world.log_in("ann@example.com"), {"phone": "1", "address": "Elm Street"}
    assert world.ask("PUT", "/api/account/profile", home, stolen)[0] == 204
    world.rows(MANY)
    opened = told("breach", "open", "--name", "amber kestrel", "--aware", "20m", "--only", "kim")
    incident = opened["incident"]
    first = told("breach", "contain", incident, "--yes", code=4)
    assert done(first) == ["preserve"]
    assert "old token: 200, old session: 200" in first["gates"][0]["proof"]
    assert world.status(stolen) == 200
    answers: list[int] = []
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            answers.append(world.ask("GET", "/api/portfolios")[0])

    visitor = threading.Thread(target=visit)
    visitor.start()
    last = told("breach", "contain", incident, "--closed", "rolled back release 43", "--yes")
    stop.set()
    visitor.join()
    assert done(last) == ORDER
    assert set(answers) == {200}
    proofs = {gate["gate"]: gate["proof"] for gate in last["gates"] if gate["passed_at"]}
    assert proofs["prove"] == "old token: 401, old session: 401, new log-in: 200, new session: 200"
    assert proofs["close"] == "rolled back release 43 (told by a person)"
    assert "is off; every replica has it" in proofs["jwt-retire"]
    assert "no session stands" in proofs["revoke"]
    assert world.status(stolen) == 401
    again = world.log_in("ann@example.com")
    assert world.ask("GET", "/api/account/profile", token=again) == (200, home)
    assert world.rows("SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL AND created_at < %s::timestamptz",
                      last["gates"][5]["passed_at"]) == [(0,)]  # fmt: skip
    clocks = {clock["clock"]: clock["state"] for clock in last["clocks"]}
    assert clocks == {"containment": "met", "assessment": "running", "breach notice": "running"}
    state = json.loads(said("incident", "show", incident, "--json").stdout)
    assert state["title"] == "amber kestrel"
    everything = b"".join(path.read_bytes() for path in (folder / ".hutch").rglob("*") if path.is_file())
    for secret in (os.environ["CANARY_TOKEN"], os.environ["CANARY_SESSION"], os.environ["CANARY_PASSWORD"], stolen):
        assert secret.encode() not in everything
    assert said("verify").exit_code == 0


@pytest.mark.slow
def test_every_change_waits_for_a_person_and_only_those_let_in_see_it(
    world: Any, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    incident = told("breach", "open")["incident"]
    early = said("breach", "tick", incident, "revoke", "--how", "done")
    assert (early.exit_code, "the next gate is preserve" in early.stderr) == (2, True)
    before = json.dumps(world.rows("SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL"))
    waits = said("breach", "contain", incident, "--closed", "port closed")
    assert waits.exit_code == 4
    assert "waits: hutch runs show R-" in waits.stderr
    assert json.dumps(world.rows("SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL")) == before
    run = told("breach", "show", incident)["gates"]
    assert [gate["passed_at"] is not None for gate in run[:3]] == [True, True, False]
    name = waits.stderr.split("hutch runs show ")[1].split(",")[0]
    same = said("breach", "contain", incident)
    assert (same.exit_code, name in same.stderr) == (4, True)
    assert said("runs", "approve", name).exit_code == 0
    further = told("breach", "contain", incident, code=4)
    assert done(further) == ["preserve", "close", "jwt-add"]
    assert further["gates"][2]["run"] == name
    monkeypatch.setenv("HUTCH_ACTOR", "stranger")
    hidden = said("breach", "show", incident)
    assert (hidden.exit_code, "no incident" in hidden.stderr) == (2, True)
    monkeypatch.setenv("HUTCH_ACTOR", "mara")
    assert told("breach", "contain", incident, "--yes")["next"] == "assess"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1.5, 3.0, 5.0])
def test_killed_in_the_midst_it_goes_on_where_it_was(world: Any, configure: Any, seconds: float) -> None:
    """Wherever the kill meets it: no key is left over, nothing is done twice, and the proof is given."""
    configure()
    incident = told("breach", "open")["incident"]
    hutch = str(Path(sys.executable).with_name("hutch"))
    words = [hutch, "breach", "contain", incident, "--closed", "fixed", "--yes"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    assert process.wait() in (-signal.SIGKILL, 0), "it never began"
    before = len(world.rows("SELECT 1 FROM audit_logs WHERE action = 'session.revoked'"))
    for _ in range(4):
        result = said("breach", "contain", incident, "--closed", "fixed", "--yes")
        if result.exit_code == 0:
            break
    found = told("breach", "show", incident)
    assert done(found) == ORDER, result.stderr
    assert found["gates"][6]["proof"].startswith("old token: 401, old session: 401, new log-in: 200")
    assert before <= len(world.rows("SELECT 1 FROM audit_logs WHERE action = 'session.revoked'"))


def test_without_what_it_needs_a_person_does_it_and_says_how(world: Any, configure: Any) -> None:
    configure(local=None, access=None)
    incident = told("breach", "open")["incident"]
    stuck = said("breach", "contain", incident, "--closed", "fixed", "--yes")
    assert stuck.exit_code == 2
    assert f"hutch breach tick {incident} jwt-add --how TEXT" in stuck.stderr
    for gate in ("jwt-add", "encryption-add", "jwt-retire"):
        assert said("breach", "tick", incident, gate, "--how", "rotated in the vault").exit_code == 0
    unproved = said("breach", "contain", incident, "--yes")
    assert (unproved.exit_code, f"hutch breach tick {incident} prove" in unproved.stderr) == (2, True)
    assert done(told("breach", "show", incident))[-1] == "revoke"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("open", "--aware", "2020-01-01"), "--aware must be a moment of the last year"),
        (("open", "--aware", "soon"), "cannot read 'soon'"),
        (("contain", "INC-2026-999"), "no incident INC-2026-999"),
    ],
)
def test_a_wrong_order_is_one_clear_error(configure: Any, words: tuple[str, ...], why: str) -> None:
    configure()
    result = said("breach", *words)
    assert (result.exit_code, why in result.stderr) == (2, True), result.stderr


def test_an_incident_that_is_no_breach_is_told(configure: Any) -> None:
    configure()
    incident = told("incident", "declare", "slow pages", "--severity", "SEV-3")["id"]
    result = said("breach", "show", incident)
    assert (result.exit_code, "is no breach; `hutch breach open` begins one" in result.stderr) == (2, True)


def test_the_evidence_is_kept_by_its_hash_and_given_out_as_it_was(world: Any, configure: Any, tmp_path: Path) -> None:
    configure()
    incident = told("breach", "open")["incident"]
    proof = told("breach", "contain", incident, "--days", "2", code=4)["gates"][0]["proof"]
    number = next(
        n for n in range(5, 30) if said("incident", "evidence", incident, str(n), "--out", "kept").exit_code == 0
    )
    kept = (tmp_path / "kept").read_bytes()
    assert number
    assert hashlib.sha256(kept).hexdigest()[:12] in proof
    assert all(json.loads(line)["created_at"] for line in kept.splitlines())
