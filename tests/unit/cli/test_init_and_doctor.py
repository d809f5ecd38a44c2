"""``hutch init`` writes what ``hutch doctor`` then finds well, and neither reads nor writes a secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hutch.bootstrap.wire import read_config
from hutch.cli.main import cli, main
from hutch.commands.context import CommandError
from hutch.commands.scaffold import Wish, configuration, runbook


class Well(BaseHTTPRequestHandler):
    """A service that is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Well) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "HUTCH_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def hutch(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def doctor() -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    done = hutch("doctor", "--json")
    points = json.loads(done.stdout)
    return done.exit_code, {(p["area"], p["what"]): p for p in points}


def test_what_init_writes_is_well(home: Path, url: str) -> None:
    assert hutch("init", "--service", "shop", "--url", url).exit_code == 0
    config, _ = read_config(home / "hutch.yaml")
    assert (config.mode, list(config.services), len(config.rules)) == ("observe", ["shop"], 3)
    code, points = doctor()
    assert code == 0, points
    assert points["shop", "http.health"]["status"] == "ok"
    assert points["runbooks", "shop"]["said"] == "alerts open shop-outage"
    assert points["runbooks", "runbooks/shop-outage.md"]["status"] == "ok"
    assert points["configuration", "mode"]["said"].startswith("observe")
    assert (home / ".gitignore").read_text() == ".hutch/\n"


def test_init_overwrites_nothing_by_itself(home: Path) -> None:
    (home / ".gitignore").write_text("dist\n")
    assert hutch("init", "--service", "shop").exit_code == 0
    (home / "runbooks/shop-outage.md").write_text("# Mine\n")
    (home / "hutch.yaml").write_text("mode: act\n")
    with pytest.raises(CommandError, match="exists: edit it, or write it anew with --force"):
        cli.main(["init", "--service", "shop"], standalone_mode=False)
    assert (home / "hutch.yaml").read_text() == "mode: act\n"
    assert hutch("init", "--service", "shop", "--force").exit_code == 0
    assert (home / "runbooks/shop-outage.md").read_text() == "# Mine\n"
    assert (home / ".gitignore").read_text() == "dist\n.hutch/\n"


def test_variables_are_named_and_never_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:hunter2-secret@127.0.0.1:1/shop")
    done = hutch("init", "--service", "shop")
    assert "env: DATABASE_URL" in (home / "hutch.yaml").read_text()
    assert "hunter2" not in (home / "hutch.yaml").read_text() + done.output


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish("A b"), "--service 'A b': use a-z, 0-9 and -"),
        (Wish("shop", database_env="postgresql://u:p@h/d"), "the name of an environment variable is wanted"),
        (Wish("shop", url="https://u:p@shop.example"), "without a password"),
        (Wish("shop", url="shop.example"), "expected a URL such as"),
    ],
)
def test_a_wish_that_cannot_be_is_named(wish: Wish, said: str) -> None:
    assert said in "; ".join(wish.faults())


@pytest.mark.parametrize(
    "wish", [Wish("shop"), Wish("a-b", "https://x.example/y", "DB", "REDIS", "docs/run books: #1")]
)
def test_every_configuration_it_writes_can_be_read(wish: Wish, tmp_path: Path) -> None:
    path = tmp_path / "hutch.yaml"
    path.write_text(configuration(wish))
    config, _ = read_config(path)
    assert config.runbooks == (wish.folder,)
    assert runbook(wish).startswith(f"# When {wish.service} is in trouble")


def test_doctor_without_a_configuration_names_init(home: Path) -> None:
    code, points = doctor()
    assert code == 3
    assert next(iter(points.values()))["todo"] == "hutch init"


def test_doctor_names_every_secret_that_is_missing(home: Path) -> None:
    hutch("init", "--service", "shop", "--database-env", "SHOP_DB", "--redis-env", "SHOP_REDIS")
    code, points = doctor()
    assert code == 3
    missing = {what: p["said"] for (area, what), p in points.items() if area == "secrets"}
    assert missing == {
        "services.shop.postgres.url": "the environment variable SHOP_DB is not set",
        "services.shop.redis.url": "the environment variable SHOP_REDIS is not set",
    }


def test_doctor_finds_what_would_not_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DB", "postgresql://shop:hunter2-secret@127.0.0.1:1/shop")
    hutch("init", "--service", "shop", "--url", "http://127.0.0.1:1", "--database-env", "SHOP_DB")
    (home / "runbooks/other.md").write_text(
        "# Other\n\n## Other\n\n### Detection\n\n```bash\ncurl https://a.example\n```\n"
    )
    (home / "runbooks/broken.md").write_text('# B\n\n```sql {"name":}\nselect 1\n```\n')
    code, points = doctor()
    assert code == 3
    lost = points["shop", "postgres.reachable"]
    assert lost["status"] == "fail" and "more checks wait for it" in lost["said"]
    assert "hunter2" not in json.dumps(list(points.values()))
    assert points["runbooks", "runbooks/broken.md"]["status"] == "fail"
    unbound = points["bindings of shop", "host a.example"]
    assert (unbound["status"], unbound["said"], unbound["places"]) == ("warn", "is not bound", ["other.md:8"])
    assert (unbound["kind"], unbound["name"], unbound["stands"]) == ("host", "a.example", "as-is")
    assert points["bindings of shop", "all"]["said"].startswith("1 host not bound, in 1 statements")
    said = hutch("doctor").stdout
    assert "  warn  host a.example: is not bound\n        other.md, line 8\n" in said
    assert "  services:\n    shop:\n      binds:\n        a.example: as-is  # host, 1 statement\n" in said
    assert points["alerts", "High Error Rate"]["said"].startswith("shop gives no error_rate now")


def test_doctor_shows_a_freeze_and_a_broken_chain(home: Path, url: str) -> None:
    hutch("init", "--service", "shop", "--url", url)
    assert hutch("freeze", "moving house").exit_code == 0
    _, points = doctor()
    assert "moving house" in points["configuration", "freeze"]["said"]


def test_doctor_in_words_ends_with_the_count(home: Path, url: str) -> None:
    hutch("init", "--service", "shop", "--url", url)
    said = hutch("doctor").output
    assert "ok, " in said.splitlines()[-1] and "that will not work" in said.splitlines()[-1]


def test_init_as_a_whole_command_says_the_error_in_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["init", "--service", "A b"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "hutch: --service 'A b': use a-z, 0-9 and -\n"


def test_a_bare_redis_that_is_not_there_is_a_cause(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_REDIS", "redis://:hunter2-secret@127.0.0.1:1/0")
    done = hutch("diagnose", "--redis", "$SHOP_REDIS", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 3
    assert [c["code"] for c in found["causes"]] == ["redis.unreachable"]
    assert "hunter2" not in done.output
