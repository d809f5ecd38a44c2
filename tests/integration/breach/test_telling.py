"""What follows containment, on the real RoleRabbit: whom it reached, letters that arrive once, the report."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from breach_mail import Sink, sinking
from breach_world import CANARY
from spoken import said

PEOPLE = 300
GERMAN = 111
"""reached-1, reached-10 to 19, reached-100 to 199."""
BEFORE = ("preserve", "close", "jwt-add", "encryption-add", "jwt-retire", "revoke", "prove", "encryption-retire")
USERS = """
WITH made AS (
    INSERT INTO users (email, password_hash) SELECT 'reached-' || n || '@example.com', 'x' FROM generate_series(1, %s) n
    RETURNING id
)
INSERT INTO audit_logs (user_id, action, details, ip_address)
SELECT id, 'data.exported', '{"records": 3}', '198.18.0.7' FROM made"""


def told(*words: str) -> Any:
    code, out, err = said(*words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as found:
        yield found


def contained() -> str:
    incident = str(told("breach", "open", "--name", "=amber kestrel")["incident"])
    for gate in BEFORE:
        assert said("breach", "tick", incident, gate, "--how", f"did {gate}")[0] == 0
    return incident


def platform(world: Any, path: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {world.ready['token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(world.ready["api_url"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status in (200, 201)


def replicas(world: Any) -> list[int]:
    with urllib.request.urlopen(world.ready["api_url"] + "/status", timeout=10) as answer:
        return [row["pid"] for row in json.loads(answer.read())["replicas"] if row["pid"]]


def test_from_the_assessment_to_the_report_with_letters_that_survive_kills(
    world: Any, configure: Any, sink: Sink
) -> None:
    folder = configure()
    incident = contained()
    world.rows(USERS, PEOPLE)
    world.rows("UPDATE users SET language = 'de-AT' WHERE email LIKE 'reached-1%%'")
    assert world.ask("GET", "/api/account/export", token=world.log_in("bob@example.com"))[0] == 200
    early = said("breach", "notify", incident)
    assert (early[0], "people comes after assess" in early[2]) == (1, True)
    whole = told("breach", "assess", incident, "--from", "1h")
    assert len(whole["people"]) > PEOPLE
    found = told("breach", "assess", incident, "--from", "1h", "--address", "198.18.0.0/28", "--keep")
    assert len(found["people"]) == PEOPLE
    assert found["languages"] == {"": PEOPLE - GERMAN, "de-at": GERMAN}
    assert found["categories"] == ["account", "activity", "portfolios", "profile", "sessions"]
    assert found["addresses"] == ["198.18.0.7"]
    assert [(t["address"], t["exported"], t["accounts"]) for t in found["trail"]] == [("198.18.0.7", PEOPLE, PEOPLE)]
    assert (found["people"][0]["own"], found["people"][0]["unusual"]) == (0.0, False)
    state = told("breach", "show", incident)
    assert (state["figures"]["people"], state["next"]) == (PEOPLE, "authority")
    assert {c["clock"]: c["state"] for c in state["clocks"]}["assessment"] == "met"

    form = said("breach", "form", incident, "--summary", "A token was stolen.")[1]
    assert f"Approximate number of data subjects: {PEOPLE}" in form
    assert all(part in form for part in ("## (a) Nature", "## (b) Contact", "## (c) Likely", "## (d) Measures"))
    assert "[to be said: name and address of the data protection officer" in form
    words = ("--summary", "A token was stolen.", "--contact", "privacy@example.com")
    early = said("breach", "form", incident, "--summary", "A token was stolen.", "--sent", "now")
    assert (early[0], "--summary and --contact" in early[2]) == (2, True)
    assert said("breach", "form", incident, *words, "--sent", "15:20, reference 17")[1] == "phase 1 is kept\n"
    more = said("breach", "form", incident, *words, "--consequences", "Letters that look like ours.")[1]
    assert "- Phase: 2 (further information" in more and "- Notified before: phase 1" in more
    assert "Kept by hash: authority-1.md" in told("breach", "show", incident)["gates"][9]["proof"]
    assert f"| {incident} | =amber kestrel |" in said("breach", "list", "--markdown")[1]

    sending = {"SMTP_URL": f"smtp://127.0.0.1:{sink.port}", "RR_MAIL_PER_SECOND": "100"}
    platform(world, "/releases", {"id": "mails", "env": sending})
    platform(world, "/deployments", {"release": "mails"})
    letter = said("breach", "notify", incident, "--contact", "privacy@example.com", "--preview")[1]
    assert "Data that it concerns: account, activity, portfolios, profile, sessions." in letter
    german = said("breach", "notify", incident, "--contact", "p@example.com", "--preview", "--language", "de")[1]
    assert german.startswith("[de] Benachrichtigung") and "Data that it concerns" not in german
    assert said("breach", "notify", incident, "--preview", "--language", "it")[0] == 2
    tried = said("breach", "notify", incident, "--test", "mara@example.com", "--yes")
    assert tried[0] == 0, tried
    wrong = said("breach", "notify", incident, "--test", "a@example.com\nBcc: all@example.com", "--yes")
    assert (wrong[0], "to must be one mail address" in wrong[1]) == (1, True)
    assert world.rows(
        "SELECT recipient, campaign FROM outbox WHERE recipient LIKE '%%mara%%' OR recipient LIKE '%%Bcc%%'"
    ) == [("mara@example.com", f"breach {incident} test")]
    waits = said("breach", "notify", incident, "--contact", "privacy@example.com")
    assert (waits[0], world.rows("SELECT count(*) FROM outbox WHERE campaign = %s", f"breach {incident}")) == (
        4,
        [(0,)],
    )
    begun = said("breach", "notify", incident, "--contact", "privacy@example.com", "--yes")
    assert begun[0] == 0, begun
    subjects = "SELECT count(*) FROM outbox WHERE campaign = %s AND subject LIKE '%%Schutzes Ihrer Daten'"
    assert world.rows(subjects, f"breach {incident}") == [(GERMAN,)]
    kills = 0
    deadline = time.monotonic() + 90
    while told("breach", "letters", incident)["waiting"]:
        assert time.monotonic() < deadline
        if kills < 3 and len(sink.taken) > 20 * (kills + 1):
            for pid in replicas(world):
                os.kill(pid, signal.SIGKILL)
            kills += 1
        time.sleep(0.2)
    assert told("breach", "letters", incident) == {
        "letters": PEOPLE,
        "sent": PEOPLE,
        "waiting": 0,
        "failed": 0,
        "why": [],
    }
    got = Counter(to for to, _ in sink.taken if to.startswith("reached-"))
    assert len(got) == PEOPLE
    assert sum(got.values()) - PEOPLE <= kills  # the one on its way at a kill, with the same Message-ID
    assert len({id for to, id in sink.taken if to.startswith("reached-")}) == PEOPLE
    assert said("breach", "notify", incident)[0] == 1

    half = said("breach", "report", incident, "--summary", "A token was stolen.", "--done")
    assert (half[0], "[to be said: what would have shown or prevented it]" in half[2]) == (2, True)
    words = ("--summary", "A token was stolen.", "--cause", "A log held tokens.", "--lessons", "Mask them.")
    code, text, _ = said("breach", "report", incident, *words, "--done")
    assert code == 0
    for line in (f"**Incident ID:** {incident}", "**Severity:** SEV-1", f"- Affected users: {PEOPLE}",
                 "- Duration: 1 h 0 min (",
                 "## Root Cause\nA log held tokens.", "- [ ] Reset all user passwords", "did jwt-retire"):  # fmt: skip
        assert line in text
    items = json.loads(said("todo", "list", "--json")[1])
    assert len([item for item in items if incident in json.dumps(item)]) == 4
    assert told("breach", "show", incident)["next"] is None
    everybody_chooses_a_new_password(world, incident)
    [row] = [r for r in csv.DictReader(io.StringIO(said("breach", "list", "--csv")[1])) if r["incident"] == incident]
    assert (row["code_name"], row["people"]) == ("'=amber kestrel", str(PEOPLE))
    assert b"reached-1@" not in b"".join(p.read_bytes() for p in (folder / ".hutch").rglob("*") if p.is_file())


def everybody_chooses_a_new_password(world: Any, incident: str) -> None:
    """By an approved run, whose proof closes the action item; and nobody is asked twice."""
    token, forced = world.log_in("bob@example.com"), "SELECT count(*) FROM users WHERE password_reset_required"
    waits = said("breach", "reset", incident)
    assert (waits[0], world.rows(forced)) == (4, [(0,)])
    run = waits[2].split("hutch runs show ")[1].split(",")[0]
    assert "accounts have to choose a new password" in said("runs", "show", run)[1]
    assert said("runs", "approve", run)[0] == 0
    assert said("breach", "reset", incident)[0] == 0
    [(accounts,)] = world.rows(forced)
    meant = "SELECT count(*) FROM users WHERE email NOT LIKE 'reached-%%'"  # those came after it was contained
    assert world.rows(meant) == [(accounts,)] and accounts >= 3
    assert world.status(token) == 401
    status, answer = world.ask("POST", "/api/auth/login", {**CANARY, "email": "bob@example.com"})
    assert (status, "token" in answer) == (403, False)
    assert world.rows("SELECT count(*) FROM outbox WHERE subject = 'Choose a new password'") == [(accounts,)]
    [item] = [i for i in json.loads(said("todo", "list", "--all", "--json")[1]) if "Reset all" in i["text"]]
    assert (item["state"], f"all {accounts} accounts" in item["note"], run in item["note"]) == ("done", True, True)
    world.rows("UPDATE users SET password_reset_required = false WHERE email LIKE 'b%%'")  # has chosen one
    assert said("breach", "reset", incident)[0] == 0
    assert world.rows(forced) == [(accounts - 1,)]
    world.rows("UPDATE users SET password_reset_required = false")  # as the tests after this one find it


@pytest.mark.parametrize(
    ("template", "why"),
    [("{{ secret }}", "secret"), ("{% for x in range(9) %}{% endfor %}", "a call"), ("{{ ", "letter's template")],
)
def test_a_template_that_is_none_is_refused(world: Any, configure: Any, template: str, why: str) -> None:
    folder = configure()
    incident = contained()
    (folder / "letter.txt").write_text(template)
    code, _, err = said("breach", "notify", incident, "--template", "letter.txt", "--preview")
    assert (code, why in err) == (2, True), err
    assert said("breach", "notify", incident, "--template", "none.txt")[0] == 2


def test_what_the_assessment_cannot_read_is_said(world: Any, configure: Any) -> None:
    configure()
    incident = contained()
    for words, why in (
        (("--from", "1h", "--to", "2h"), "until must be after since"),
        (("--from", "1h", "--address", "nowhere"), "addresses must be addresses or networks"),
        (("--from", "soon"), "cannot read 'soon'"),
    ):
        code, _, err = said("breach", "assess", incident, *words)
        assert (code != 0, why in err) == (True, True), err
    assert said("breach", "tick", incident, "assess", "--how", "by hand")[0] == 0
    assert said("breach", "tick", incident, "authority", "--how", "told")[0] == 0
    code, _, err = said("breach", "notify", incident)
    assert (code, "nobody knows whom to write to" in err) == (1, True)
