"""What people and policies decide, over one running server: by commands and by its pages, all real processes."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

HUTCH = str(Path(sys.executable).with_name("hutch"))
DATA = Path(__file__).parents[1] / "data"
TOKEN = "tok-5f31c9aa20-live"
PASSWORD = "hunter2-unseen"

ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"] if os.getuid() == 0 else []

CONFIG = """
mode: act
diagnose_every: 0s
approvals:
  - {approvers: 2, by: [olivia, peter], effect: destroy}
autonomy:
  - {name: restart, action: service.restart, alert: Shop Down, per_hour: 1}
services:
  shop:
    shell: {}
    command:
      verbs:
        service.restart: {run: [cp, HOME/good, HOME/state], verify: [cat, HOME/state], expect: "^good$"}
      checks:
        state: {run: [cat, HOME/state], expect: "^good$", cause: app.crashed, remedies: [service.restart]}
  depot:
    shell: {}
    command:
      secrets: {DEPLOY_TOKEN: {env: LIVE_TOKEN}}
      verbs:
        deploy.rollback:
          run: [sh, -c, 'echo "using $DEPLOY_TOKEN"; sleep 1; echo "token was $DEPLOY_TOKEN" >&2']
          args: {to: "[0-9]+"}
          verify: [echo, rolled]
          expect: rolled
    binds: {sh: as-is, rm: as-is, setpriv: as-is, touch: as-is, curl: as-is}
runbooks: [books]
"""

BOOKS = {
    "wipe": """
# Wipe
## Mitigation
### Option 1: Remove the old files
```bash
rm -r HOME/old
```
### Option 2: Leave a mark
```bash
touch HOME/mark
```
""",
    "tell": """
# Tell
## Diagnosis
```bash
cat HOME/settings
```
## Mitigation
### Option 1: Roll back
```yaml {"hutch.action":"deploy.rollback"}
to: 42
```
""",
    "down": """
# Shop Down
## Diagnosis
```bash
echo "pod is [pod]"
```
## Mitigation
### Option 1: Restart
```yaml {"hutch.action":"service.restart"}
```
""",
    "fork": """
# Fork
## Mitigation
### Option 1: Too many
```bash
ORDINARY sh HOME/line.sh
```
""",
    "elsewhere": """
# Elsewhere
## Diagnosis
```bash
curl -s http://else.example/health
```
""",
}


class Page(HTMLParser):
    """The forms of a page with what they send, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append((given["action"], {}))
        elif tag == "input" and self.forms and given.get("type") != "checkbox" and "name" in given:
            self.forms[-1][1][given["name"]] = given.get("value", "")


class Live:
    """One folder with its server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {**os.environ, "LIVE_TOKEN": TOKEN}
        self.browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        self.address = ""
        self.log = home / "serve.log"

    def hutch(self, *words: str, actor: str = "olivia") -> tuple[int, str]:
        done = subprocess.run(
            [HUTCH, "--no-input", *words], cwd=self.home, env={**self.env, "HUTCH_ACTOR": actor},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def started(self, book: str) -> str:
        code, said = self.hutch("run", book, "--service", "depot")
        assert code == 4, said
        return said.split()[0]

    def shown(self, run: str) -> dict[str, Any]:
        return dict(json.loads(self.hutch("runs", "show", run, "--json")[1]))

    def option(self, run: str, number: int) -> dict[str, Any]:
        return next(dict(o) for o in self.shown(run)["options"] if o["title"].startswith(f"Option {number}:"))

    def get(self, path: str) -> str:
        with self.browser.open(self.address + path, timeout=30) as answer:
            return str(answer.read().decode())

    def approve(self, run: str, number: int, **typed: str) -> str:
        """By the form on the run's page; empty where there is none."""
        path, option = f"/runs/{run}", str(self.option(run, number)["id"])
        forms = [f for f in Page(self.get(path)).forms if f[0].endswith("/approval") and f[1]["option"] == option]
        return self.send(*forms[0], **typed) if forms else ""

    def send(self, action: str, fields: dict[str, str], **typed: str) -> str:
        data = urllib.parse.urlencode({**fields, **typed}).encode()
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        with self.browser.open(urllib.request.Request(self.address + action, data, headers), timeout=30) as answer:
            return str(answer.read().decode())

    def stored(self) -> bytes:
        """Everything that Hutch has written: the log, its side files, kept outputs, what the server said."""
        files = [p for p in (self.home / ".hutch").rglob("*") if p.is_file()]
        return b"".join(p.read_bytes() for p in [*files, self.log])


def until(look: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    found = Live(tmp_path_factory.mktemp("live"))
    home = found.home
    home.chmod(0o755)
    (home / "books").mkdir()
    for name, text in BOOKS.items():
        text = text.replace("ORDINARY ", f"{' '.join(ORDINARY)} ").replace("HOME", str(home))
        (home / f"books/{name}.md").write_text(text)
    shutil.copy(DATA / "web/hostile.md", home / "books/hostile.md")
    (home / "hutch.yaml").write_text(CONFIG.replace("HOME", str(home)))
    (home / "good").write_text("good\n")
    (home / "state").write_text("good\n")
    (home / "settings").write_text(f"url=postgres://app:{PASSWORD}@db/shop\nown {TOKEN}\n")
    (home / "old").mkdir()
    bomb = next(ln for ln in (DATA / "shell/hostile.txt").read_text().splitlines() if ln.endswith("f & f & wait; }; f"))
    (home / "line.sh").write_text(bomb.partition(" | ")[2] + "\n")
    with found.log.open("wb") as log:
        server = subprocess.Popen([HUTCH, "serve", "--port", "0"], cwd=home, env=found.env, stdout=log, stderr=log)
    try:
        until(lambda: "Hutch serves" in found.log.read_text())
        found.address = re.search(r"http://127\.0\.0\.1:\d+", found.log.read_text())[0]  # type: ignore[index]
        yield found
    finally:
        server.terminate()
        try:
            server.wait(30)
        finally:
            server.kill()


def test_what_loses_data_takes_two_people_one_by_command_one_on_the_page(live: Live) -> None:
    run = live.started("wipe")
    code, said = live.hutch("runs", "approve", run, "--option", "1", actor="mallory")
    assert code == 1 and "may be approved by olivia, peter" in said
    approving = live.hutch("runs", "approve", run, "--option", "1")
    assert approving[0] == 4 and (live.home / "old").exists(), approving
    assert "approved" in live.hutch("runs", "approve", run, "--option", "1")[1]  # once each
    assert (live.home / "old").exists()
    assert "tick that you know it" in live.approve(run, 1, actor="peter")
    assert "You approved" in live.approve(run, 1, actor="peter", certain="yes")
    until(lambda: not (live.home / "old").exists())
    until(lambda: live.option(run, 1)["state"] == "undecided")  # nothing verifies it: a person says


def test_a_remedy_is_declined_with_its_reason(live: Live) -> None:
    run = live.started("wipe")
    assert live.hutch("runs", "deny", run, "--option", "2", "--reason", "the night shift needs it")[0] in (0, 4)
    assert live.option(run, 2)["state"] == "denied"
    assert "the night shift needs it" in live.get(f"/runs/{run}")
    assert not (live.home / "mark").exists()


def test_a_document_that_was_changed_while_its_run_waited_says_what_changed(live: Live) -> None:
    run = live.started("wipe")
    book = live.home / "books/wipe.md"
    before = book.read_text()
    try:
        book.write_text(before.replace("/mark", "/another-mark"))
        code, said = live.hutch("runs", "approve", run, "--option", "2")
        assert code == 1 and f"gone: “touch {live.home}/mark”" in " ".join(said.split()), said
        assert "new in line 10: “touch " in said and "start the runbook again" in " ".join(said.split())
        assert "You approved" not in live.approve(run, 2, actor="olivia")
    finally:
        book.write_text(before)
    assert not (live.home / "mark").exists() and not (live.home / "another-mark").exists()


def test_a_secret_in_what_a_command_says_is_nowhere_to_be_seen(live: Live) -> None:
    run, seen, over = live.started("tell"), list[str](), threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    words = place.read_bytes()
                    seen.extend(s for s in (TOKEN, PASSWORD) if s.encode() in words)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        said = live.hutch("runs", "approve", run, "--option", "1")[1]
    finally:
        over.set()
        watching.join()
    shown, page = json.dumps(live.shown(run)), live.get(f"/runs/{run}")
    assert "using •••" in said + shown.encode().decode("unicode_escape") + page
    assert "postgres://•••" in page or "postgres://•••" in said or "•••@db" in page
    for secret in (TOKEN, PASSWORD):
        assert secret not in said + shown + page
        assert secret.encode() not in live.stored()
    assert seen == []


@pytest.mark.slow
def test_one_action_under_one_alert_goes_by_policy_and_no_oftener_than_allowed(live: Live) -> None:
    state = live.home / "state"

    def alarm(*words: str) -> None:
        done = live.hutch("alert", "send", "--rule", "Shop Down", "--service", "shop", "--severity", "SEV-2", *words)
        assert done[0] == 0, done

    def runs_of_it() -> list[dict[str, Any]]:
        found = json.loads(live.hutch("runs", "list", "--json")[1])
        return [r for r in found if "Shop Down" in json.dumps(r)]

    hostile = f"web-7'; touch {live.home}/pwned; '"
    state.write_text("bad\n")
    alarm("--runbook", "down", "--label", f"pod={hostile}")
    until(lambda: state.read_text() == "good\n")
    alarm("--resolved", "--label", f"pod={hostile}")
    first = runs_of_it()[-1]["id"]
    until(lambda: live.shown(first)["outcome"] == "resolved")
    assert "policy:restart" in json.dumps(live.shown(first))
    state.write_text("bad\n")
    alarm("--runbook", "down", "--label", "pod=web-8")
    until(lambda: len(runs_of_it()) == 2 and live.shown(runs_of_it()[-1]["id"])["waiting"] == "approval")
    assert state.read_text() == "bad\n"  # the second in an hour waits for a person
    said = live.hutch("runs", "show", first)[1]
    assert f"│ pod is {hostile}"[:40] in said  # the alert's label is a word, not a command
    assert not (live.home / "pwned").exists()
    state.write_text("good\n")


@pytest.mark.skipif(bool(ORDINARY) and shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_step_that_forks_without_end_is_ended_and_the_server_stays_up(live: Live) -> None:
    run = live.started("fork")
    began = time.monotonic()
    live.hutch("runs", "approve", run, "--option", "1")
    assert time.monotonic() - began < 30
    assert live.option(run, 1)["state"] in {"failed", "undecided"}
    assert "Fork" in live.get(f"/runs/{run}")


def test_a_host_that_is_not_bound_is_never_asked(live: Live) -> None:
    _, said = live.hutch("run", "elsewhere", "--service", "depot")
    assert "else.example is not bound" in " ".join(said.split()), said
    assert "--bind" in said


def test_a_hostile_document_is_words_on_its_page(live: Live) -> None:
    page = Page(live.get("/runbooks/hostile"))
    inner = [
        live.get(g["href"]) for t, g in page.tags if t == "a" and g.get("href", "").startswith("/runbooks/hostile")
    ]
    for one in [page, *map(Page, inner)]:
        assert [g for t, g in one.tags if t == "script" and not g.get("src", "").startswith("/static/")] == []
        assert [g for _, g in one.tags if any(k.startswith("on") for k in g)] == []
        assert [g for _, g in one.tags if "javascript:" in g.get("href", "").lower()] == []


def test_an_approval_that_nobody_gives_in_time_fails_closed(tmp_path: Path) -> None:
    apart = Live(tmp_path)
    (tmp_path / "books").mkdir()
    (tmp_path / "books/wipe.md").write_text(BOOKS["wipe"].replace("HOME", str(tmp_path)))
    (tmp_path / "hutch.yaml").write_text(
        "mode: act\napproval_for: 1s\nrunbooks: [books]\n"
        "services: {depot: {shell: {}, binds: {touch: as-is, rm: as-is}}}\n"
    )
    run = apart.started("wipe")
    time.sleep(1.2)
    code, said = apart.hutch("runs", "approve", run, "--option", "2")
    assert code == 1 and "not given in time" in " ".join(said.split()), said
    assert not (tmp_path / "mark").exists()
