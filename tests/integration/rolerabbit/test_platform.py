"""The local platform for real: processes, one socket, a database, deployments under requests, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from rolerabbit.embedded.guard import alive
from rolerabbit.platform.listener import bound
from rolerabbit.platform.metrics import Families, parse

START_SECONDS = 60.0
COMMAND = (sys.executable, "-m", "rolerabbit", "platform")


@dataclass
class Platform:
    """A running platform and what its ready file says."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON."""
        headers = {"Authorization": f"Bearer {self.ready['token'] if token is None else token}"}
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.ready["api_url"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def get(self, path: str) -> Any:
        """The JSON of a reading call that is answered 200."""
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def change(self, path: str, body: object = None) -> Any:
        """The JSON of a change that is done."""
        status, answer = self.call("POST", path, {} if body is None else body)
        assert status in (200, 201), answer
        return answer

    def metrics(self) -> Families:
        """The platform's exposition."""
        with urllib.request.urlopen(self.ready["api_url"] + "/metrics", timeout=10) as answer:
            return parse(answer.read().decode())

    def pids(self) -> set[int]:
        """Every process of it: itself, replicas, database."""
        status = self.get("/status")
        servers = (component["pid"] for component in status["components"].values())
        return {self.process.pid, *servers, *(r["pid"] for r in status["replicas"] if r["pid"])}

    def app(self, path: str) -> int:
        """Status of a request to the service, on a connection of its own."""
        try:
            with urllib.request.urlopen(self.ready["app_url"] + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[Platform]:
    ready = folder / "ready.json"
    with (folder / "platform.log").open("a+") as log:
        command = (*COMMAND, "run", "--data", str(folder / "data"), "--ready-file", str(ready), *options)
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: ready.exists() or process.poll() is not None, START_SECONDS)
            assert process.poll() is None, (folder / "platform.log").read_text()
            yield Platform(process, json.loads(ready.read_text()))
        finally:
            process.terminate()
            process.wait(20)
            assert process.stdin is not None
            process.stdin.close()


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def names() -> Iterator[str]:
    number = 100
    while True:
        number += 1
        yield str(number)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="rolerabbit-test-") as name:
        Path(name).chmod(0o755)
        with running(Path(name)) as found:
            yield found


@pytest.fixture(scope="module")
def new_id() -> Iterator[str]:
    return names()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rolerabbit-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@dataclass
class Visitors:
    """Ask for a page again and again, each time on a new connection; note what came back."""

    platform: Platform
    answers: list[int | str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def _visit(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(self.platform.app("/api/health"))
            except OSError as error:
                self.answers.append(repr(error))
            time.sleep(0.01)

    @contextlib.contextmanager
    def visiting(self, count: int = 4) -> Iterator[None]:
        threads = [threading.Thread(target=self._visit) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()


def requests_total(families: Families) -> float:
    return sum(families["http_requests_total"].samples.values())


def test_the_ready_file_is_private_and_all_is_well(platform: Platform) -> None:
    ready = Path(platform.ready["data_dir"]).parent / "ready.json"
    assert ready.stat().st_mode & 0o777 == 0o600
    assert platform.ready["pid"] == platform.process.pid
    assert platform.get("/health") == {"status": "ok", "database": "up", "replicas": 2}
    assert platform.app("/api/health") == 200
    assert platform.get("/releases")[0]["id"] == "42"


def test_reading_is_free_and_changing_takes_the_token(platform: Platform) -> None:
    assert platform.call("GET", "/status", token="")[0] == 200
    changes = ("/releases", "/deployments", "/rollback", "/restart", "/scale", "/keys", "/keys/retire")
    for path in (*changes, "/components/redis/stop", "/components/redis/start"):
        for token in ("", "wrong"):
            status, body = platform.call("POST", path, {"id": "x", "release": "42", "replicas": 1}, token)
            assert (status, body["error"]) == (401, "a change needs the token")


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/deployments", {"release": "99"}, 404, "no release '99'"),
        ("/deployments", {}, 400, "release: Field required"),
        ("/releases", {"id": "a b"}, 400, "no release id"),
        ("/releases", {"id": "42"}, 409, "exists already"),
        ("/releases", {"id": "x", "environment": {}}, 400, "environment: Extra inputs"),
        ("/rollback", {"to": "99"}, 404, "no release '99'"),
        ("/scale", {"replicas": 0}, 400, "replicas=0 is out of bounds"),
        ("/scale", {"replicas": 9}, 400, "replicas=9 is out of bounds"),
        ("/scale", {"replicas": 2, "pool_size": 0}, 400, "pool_size=0 is out of bounds"),
        ("/scale", {"replicas": 2, "cache_seconds": 301}, 400, "cache_seconds=301 is out of bounds"),
        ("/restart", {"component": "mysql"}, 400, "component: Input should be 'service', 'postgres' or 'redis'"),
        ("/components/mysql/stop", {}, 404, "no component 'mysql'"),
        ("/keys", {"secret": "nonsense"}, 400, "there is no secret 'nonsense'"),
        ("/keys/retire", {}, 400, "secret: Field required"),
        ("/nowhere", {}, 404, "Not Found"),
    ],
)
def test_a_bad_change_is_refused(platform: Platform, path: str, body: object, status: int, text: str) -> None:
    found, answer = platform.call("POST", path, body)
    assert found == status
    assert text in answer["error"]
    assert answer["what_to_do"]


def test_a_deployment_under_requests_loses_none_and_counts_only_upwards(
    platform: Platform, new_id: Iterator[str]
) -> None:
    release = next(new_id)
    before = platform.get("/status")
    platform.change("/releases", {"id": release, "note": "sound"})
    visitors, totals = Visitors(platform), []
    watching = threading.Event()

    def watch() -> None:
        while not watching.is_set():
            totals.append(requests_total(platform.metrics()))

    watcher = threading.Thread(target=watch)
    with visitors.visiting():
        watcher.start()
        deployment = platform.change("/deployments", {"release": release})
        time.sleep(0.3)
        watching.set()
        watcher.join()
    after = platform.get("/status")
    assert (deployment["status"], deployment["previous"]) == ("succeeded", before["release"])
    assert set(visitors.answers) == {200}
    assert len(visitors.answers) > 50
    assert len(totals) > 3
    assert totals == sorted(totals)
    assert totals[-1] > totals[0]
    # What a replica answers in its last moments, its metrics port already closed, goes uncounted.
    assert requests_total(platform.metrics()) >= 0.9 * len(visitors.answers)
    assert after["release"] == release
    assert not {r["pid"] for r in before["replicas"]} & {r["pid"] for r in after["replicas"]}


def test_rollback_goes_back_and_is_on_record(platform: Platform, new_id: Iterator[str]) -> None:
    release, before = next(new_id), platform.get("/status")["release"]
    platform.change("/releases", {"id": release, "env": {"RR_FAULT": "errors", "API_KEY": "hush"}})
    platform.change("/deployments", {"release": release})
    standing = {r["id"]: r["status"] for r in platform.get("/releases")}
    assert (standing[release], standing[before]) == ("current", "previous")
    assert platform.change("/rollback")["release"] == before
    last = platform.get("/deployments")[-1]
    assert (last["kind"], last["release"], last["previous"], last["status"]) == (
        "rollback",
        before,
        release,
        "succeeded",
    )
    assert platform.metrics()["platform_release_info"].samples == {
        ("platform_release_info", (("release", before),)): 1.0
    }
    assert "hush" not in json.dumps(platform.get("/releases"))


def test_a_release_that_does_not_start_leaves_the_old_one(platform: Platform, new_id: Iterator[str]) -> None:
    release, before = next(new_id), platform.get("/status")
    platform.change("/releases", {"id": release, "env": {"RR_POOL_SIZE": "many"}})
    status, answer = platform.call("POST", "/deployments", {"release": release})
    after = platform.get("/status")
    assert status == 502
    assert "RR_POOL_SIZE" in answer["what_to_do"]
    assert (after["release"], platform.get("/deployments")[-1]["status"]) == (before["release"], "failed")
    assert [r["pid"] for r in after["replicas"]] == [r["pid"] for r in before["replicas"]]
    assert platform.app("/api/health") == 200
    assert any(
        "RR_POOL_SIZE" in line["text"] and line["release"] == release for line in platform.get("/logs?grep=rr_pool")
    )


def asked(platform: Platform, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
    """One request to the service itself."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(platform.ready["app_url"] + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def test_keys_are_rotated_under_requests_and_nobody_is_refused_before_the_old_one_is_off(platform: Platform) -> None:
    owner = {"email": "rotated@example.com", "password": "a long password"}
    assert asked(platform, "POST", "/api/auth/register", owner)[0] == 201
    before = asked(platform, "POST", "/api/auth/login", owner)[1]["token"]
    home = {"phone": "1", "address": "Elm Street"}
    assert asked(platform, "PUT", "/api/account/profile", home, before)[0] == 204
    answers, stop = [], threading.Event()

    def use() -> None:
        while not stop.is_set():
            answers.append(asked(platform, "GET", "/api/account/profile", token=before))

    user = threading.Thread(target=use)
    user.start()
    signed = platform.get("/keys")["rings"]["jwt"][0]["id"]
    for secret in ("jwt", "encryption"):
        platform.change("/keys", {"secret": secret})
    again = platform.change("/keys", {"secret": "jwt", "signer": signed})
    stop.set()
    user.join()
    assert {status for status, _ in answers} == {200}
    assert [body for _, body in answers] == [home] * len(answers)
    assert [key["state"] for key in again["rings"]["jwt"]] == ["old", "signs"]
    after = asked(platform, "POST", "/api/auth/login", owner)[1]["token"]
    assert [asked(platform, "GET", "/api/auth/me", token=t)[0] for t in (before, after)] == [200, 200]
    new = again["rings"]["encryption"][1]["id"]
    wait_for(lambda: platform.get("/keys")["sealed"] == {new: 1}, 30)
    for secret in ("jwt", "encryption"):
        platform.change("/keys/retire", {"secret": secret})
    assert [asked(platform, "GET", "/api/auth/me", token=t)[0] for t in (before, after)] == [401, 200]
    assert asked(platform, "GET", "/api/account/profile", token=after) == (200, home)
    told = json.dumps(platform.get("/keys"))
    kept = json.loads((Path(platform.ready["data_dir"]) / "keys.json").read_text())["rings"]
    assert all(not key["value"] or key["value"] not in told for ring in kept.values() for key in ring)
    assert [key["value"] == "" for key in kept["jwt"]] == [True, False]


def test_a_key_stays_while_something_is_sealed_with_it(platform: Platform) -> None:
    before = platform.get("/keys")["rings"]["encryption"][-1]["id"]
    platform.change("/keys", {"secret": "encryption"})
    with psycopg.connect(platform.ready["owner_url"]) as connection:
        connection.execute(
            "INSERT INTO user_profiles (user_id, key_id, sealed)"
            " SELECT id, %s, 'no more what it was' FROM users LIMIT 1",
            [before],
        )
    status, answer = platform.call("POST", "/keys/retire", {"secret": "encryption"})
    assert (status, answer["error"]) == (409, f"1 profiles are sealed with {before}")
    with psycopg.connect(platform.ready["owner_url"]) as connection:
        connection.execute("DELETE FROM user_profiles WHERE key_id = %s", [before])
    assert platform.change("/keys/retire", {"secret": "encryption"})["rings"]["encryption"][-2]["state"] == "off"


def test_the_service_cant_rewrite_its_trails(platform: Platform) -> None:
    with psycopg.connect(platform.ready["app_database_url"], autocommit=True) as connection:
        for table in ("audit_logs", "security_logs"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET user_id = NULL", f"TRUNCATE {table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
    with (
        psycopg.connect(platform.ready["reader_url"]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM user_profiles")


def test_scaling_up_and_down_and_the_pool(platform: Platform) -> None:
    before = platform.get("/status")
    kept = {r["pid"] for r in before["replicas"]}
    assert kept < {r["pid"] for r in platform.change("/scale", {"replicas": 3})["replicas"]}
    assert {r["pid"] for r in platform.change("/scale", {"replicas": 2})["replicas"]} == kept
    assert platform.change("/scale", {"replicas": 2, "pool_size": 4})["pool_size"] == 4
    after = platform.change("/scale", {"replicas": 2, "pool_size": before["pool_size"]})
    assert (len(after["replicas"]), after["pool_size"]) == (2, before["pool_size"])


def test_a_crashed_replica_comes_back_and_is_counted(platform: Platform) -> None:
    victim = platform.get("/status")["replicas"][0]
    crashes, total = platform.get("/status")["crashes"], requests_total(platform.metrics())
    os.kill(victim["pid"], signal.SIGKILL)
    wait_for(lambda: platform.get("/status")["replicas"][0]["restarts"] == victim["restarts"] + 1)
    wait_for(lambda: platform.get("/health")["replicas"] == 2)
    assert platform.get("/status")["crashes"] == crashes + 1
    assert requests_total(platform.metrics()) >= total


def test_without_replicas_clients_are_refused_and_not_hung(platform: Platform) -> None:
    """Those that were waiting in the queue of the socket when the last replica went are reset."""
    for replica in platform.get("/status")["replicas"]:
        os.kill(replica["pid"], signal.SIGKILL)
    with pytest.raises(urllib.error.URLError, match="refused"):
        for _ in range(200):
            with contextlib.suppress(ConnectionResetError):
                platform.app("/api/health")
    wait_for(lambda: platform.call("GET", "/health")[1]["replicas"] == 2)
    assert platform.app("/api/health") == 200


def test_a_crashed_database_comes_back(platform: Platform) -> None:
    crashes = platform.get("/status")["database"]["crashes"]
    os.kill(platform.get("/status")["database"]["pid"], signal.SIGKILL)
    wait_for(lambda: platform.get("/status")["database"]["crashes"] == crashes + 1)
    wait_for(lambda: platform.app("/api/health") == 200)


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_server_that_was_stopped_on_purpose_stays_down_until_it_is_started(platform: Platform, name: str) -> None:
    before = platform.get("/status")["components"][name]
    stopped = platform.change(f"/components/{name}/stop")["components"][name]
    assert stopped == {"running": False, "pid": None, "stopped_on_purpose": True, "crashes": before["crashes"]}
    time.sleep(2.5)
    assert platform.get("/status")["components"][name] == stopped
    assert up(platform, name) == 0
    started = platform.change("/restart", {"component": name})["components"][name]
    assert (started["running"], started["stopped_on_purpose"]) == (True, False)
    assert started["pid"] != before["pid"]
    assert up(platform, name) == 1
    platform.change(f"/components/{name}/stop")
    again = platform.change(f"/components/{name}/start")["components"][name]
    assert again["pid"] == platform.change(f"/components/{name}/start")["components"][name]["pid"]
    wait_for(lambda: platform.app("/api/health") == 200)


def up(platform: Platform, name: str) -> float:
    return platform.metrics()["platform_component_up"].samples[("platform_component_up", (("component", name),))]


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_server_is_restarted_and_serves_when_that_is_answered(platform: Platform, name: str) -> None:
    before = platform.get("/status")
    after = platform.change("/restart", {"component": name})
    assert after["components"][name]["pid"] != before["components"][name]["pid"]
    assert [r["pid"] for r in after["replicas"]] == [r["pid"] for r in before["replicas"]]
    with psycopg.connect(platform.ready["reader_url"]) as reader:
        assert reader.execute("SELECT 1").fetchone() == (1,)
    with redis.Redis.from_url(platform.ready["redis_url"]) as client:
        assert client.ping()


def test_a_crashed_redis_comes_back_and_takes_its_password(platform: Platform) -> None:
    before = platform.get("/status")["components"]["redis"]
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: platform.get("/status")["components"]["redis"]["crashes"] == before["crashes"] + 1)
    wait_for(lambda: platform.get("/status")["components"]["redis"]["running"])
    address = platform.ready["redis_url"]
    with redis.Redis.from_url(address) as client:
        settings = client.config_get("maxmemory*")
        assert (settings["maxmemory"], settings["maxmemory-policy"]) == (str(64 << 20), "noeviction")
    with (
        redis.Redis.from_url(f"redis://{address.rpartition('@')[2]}") as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_no_password_stands_in_an_argument_list(platform: Platform) -> None:
    redis_pid = platform.get("/status")["components"]["redis"]["pid"]
    secret = platform.ready["redis_url"].split(":")[2].split("@")[0]
    command = subprocess.run(["ps", "-o", "args=", "-p", str(redis_pid)], capture_output=True, text=True, check=True)
    assert "valkey" in command.stdout
    assert secret not in command.stdout


def test_the_load_of_each_replica_is_told_beside_the_sum(platform: Platform) -> None:
    wait_for(lambda: platform.get("/health")["replicas"] == 2)
    families = platform.metrics()
    names = {r["replica"] for r in platform.get("/status")["replicas"]}
    for name, total in (("requests_in_flight", "http_requests_in_flight"), ("pool_size", "db_pool_size")):
        shown = families[f"platform_replica_{name}"].samples
        assert {dict(labels)["replica"] for _, labels in shown} == names
        assert sum(shown.values()) == families[total].samples[(total, ())]
    assert {"platform_replica_pool_waiting", "platform_replica_pool_in_use", "db_pool_waiting"} <= set(families)


@pytest.mark.slow
def test_a_release_that_crashes_does_so_again_and_again(platform: Platform, new_id: Iterator[str]) -> None:
    release, before = next(new_id), platform.get("/status")
    platform.change("/releases", {"id": release, "env": {"RR_FAULT": "crash"}})
    platform.change("/deployments", {"release": release})
    wait_for(lambda: platform.get("/status")["crashes"] >= before["crashes"] + 4, 40)
    assert max(r["restarts"] for r in platform.get("/status")["replicas"]) >= 1
    lines = platform.get("/logs?level=critical&grep=process%20ends&since=5m")
    assert {line["release"] for line in lines} == {release}
    platform.change("/rollback")
    wait_for(lambda: platform.app("/api/health") == 200)
    assert platform.get("/health")["replicas"] == 2


def test_logs_are_found_by_level_and_user(platform: Platform, new_id: Iterator[str]) -> None:
    release = next(new_id)
    platform.change("/releases", {"id": release, "env": {"RR_FAULT": "errors"}})
    platform.change("/deployments", {"release": release})
    account = {"email": f"logs-{release}@example.com", "password": "a long password"}
    user = send(platform, "/api/auth/register", account)["id"]
    token = send(platform, "/api/auth/login", account)["token"]
    for _ in range(10):
        with contextlib.suppress(urllib.error.HTTPError):
            send(platform, "/api/portfolios", None, token)
    platform.change("/rollback")
    lines = platform.get(f"/logs?level=error&user={user}")
    assert lines
    assert {(line["level"], line["user"], line["release"]) for line in lines} == {("error", user, release)}
    assert platform.get("/logs?level=error&user=nobody") == []


def send(platform: Platform, path: str, body: object, token: str = "") -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(platform.ready["app_url"] + path, data, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def test_visitors_come_from_where_the_trusted_proxy_says(platform: Platform) -> None:
    wait_for(lambda: platform.app("/api/health") == 200)
    body = json.dumps({"email": "nobody@example.com", "password": "guess"}).encode()
    headers = {"Content-Type": "application/json", "X-Forwarded-For": "10.9.9.9, 2001:db8::7"}
    request = urllib.request.Request(platform.ready["app_url"] + "/api/auth/login", body, headers)
    with pytest.raises(urllib.error.HTTPError, match="401"), urllib.request.urlopen(request, timeout=10):
        pass
    with psycopg.connect(platform.ready["reader_url"]) as reader:
        found = reader.execute("SELECT host(ip_address) FROM security_logs ORDER BY id DESC LIMIT 1").fetchone()
        assert found == ("2001:db8::7",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT body FROM outbox")


def test_the_machine_is_measured(platform: Platform) -> None:
    wait_for(lambda: "db_cpu" in platform.metrics() or not Path("/proc/stat").exists())
    families = platform.metrics()
    assert 0 < families["disk_used"].samples[("disk_used", ())] <= 100
    if Path("/proc/stat").exists():
        assert {"cpu", "memory", "network_in", "network_out"} <= set(families)
        with psycopg.connect(platform.ready["database_url"]) as connection:
            connection.execute("SELECT count(*) FROM generate_series(1, 20000000)")
        busiest = families["db_cpu"].samples[("db_cpu", ())]
        for _ in range(5):
            busiest = max(busiest, platform.metrics()["db_cpu"].samples[("db_cpu", ())])
            time.sleep(0.3)
        assert busiest > 5


def refused(url: str, statement: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_logs (action) VALUES ('x')",
        "UPDATE portfolios SET title = title",
        "DELETE FROM users",
        "CREATE TABLE t (n int)",
        "CREATE TEMP TABLE t (n int)",
        "SELECT pg_reload_conf()",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_the_reader_cannot_write(platform: Platform, statement: str) -> None:
    assert refused(platform.ready["reader_url"], statement)


def test_the_rest_address_takes_a_key_and_its_login_sees_no_more_than_supabases(platform: Platform) -> None:
    def asked(headers: dict[str, str]) -> tuple[int, Any]:
        request = urllib.request.Request(platform.ready["api_url"] + "/rest/v1/", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    assert (asked({})[0], asked({"apikey": "wrong"})[1]["message"]) == (401, "Invalid API key")
    status, found = asked({"apikey": platform.ready["token"]})
    assert (status, "/portfolios" in found["paths"], "/users" in found["paths"]) == (200, True, False)
    hidden = "select count(*) from pg_stat_activity where query = '<insufficient privilege>'"
    with psycopg.connect(platform.ready["rest_url"], autocommit=True) as rest:
        [[closed]] = rest.execute(hidden)
        assert closed > 0
        for statement in ("select * from users", "select * from pg_authid", "update portfolios set title = ''"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                rest.execute(statement)


def test_the_reader_sees_rows_and_every_session(platform: Platform) -> None:
    with psycopg.connect(platform.ready["reader_url"]) as reader:
        assert reader.execute("SELECT count(*) FROM portfolios").fetchone() is not None
        assert reader.execute("SELECT count(*) FROM pg_stat_statements").fetchone() is not None
        hidden = "SELECT count(*) FROM pg_stat_activity WHERE query = '<insufficient privilege>'"
        assert reader.execute(hidden.encode()).fetchone() == (0,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("INSERT INTO audit_logs (action) VALUES ('x')")


def app_pid(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'rolerabbit_app' LIMIT 1").fetchone()
    assert found is not None
    return int(found[0])


def test_who_may_end_a_session_of_the_service(platform: Platform) -> None:
    wait_for(lambda: {platform.app("/api/portfolios") for _ in range(4)} == {200})
    with psycopg.connect(platform.ready["reader_url"], autocommit=True) as reader:
        pid = app_pid(reader)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT pg_terminate_backend(%s)", [pid])
    with psycopg.connect(platform.ready["operator_url"], autocommit=True) as operator:
        assert operator.execute("SELECT pg_terminate_backend(%s)", [app_pid(operator)]).fetchone() == (True,)


def test_the_operator_can_do_the_remedies(platform: Platform) -> None:
    with psycopg.connect(platform.ready["operator_url"], autocommit=True) as operator:
        for statement in (
            "CREATE INDEX CONCURRENTLY remedy_idx ON audit_logs (created_at)",
            "REINDEX INDEX CONCURRENTLY remedy_idx",
            "DROP INDEX CONCURRENTLY remedy_idx",
            "VACUUM (ANALYZE) portfolios",
            "ALTER SYSTEM SET idle_in_transaction_session_timeout = '5min'",
            "SELECT pg_reload_conf()",
            "ALTER SYSTEM RESET idle_in_transaction_session_timeout",
        ):
            operator.execute(statement.encode())
    assert refused(platform.ready["operator_url"], "CREATE ROLE intruder SUPERUSER")


def test_operators_get_in_when_the_service_has_all_connections(platform: Platform) -> None:
    with psycopg.connect(platform.ready["database_url"], autocommit=True) as owner, contextlib.ExitStack() as held:
        owner.execute("ALTER ROLE rolerabbit_app PASSWORD 'for this test'")
        user = platform.ready["owner_url"].split("@")[1]
        url = f"postgresql://rolerabbit_app:for%20this%20test@{user}"
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots are reserved"):
            for _ in range(40):
                held.enter_context(psycopg.connect(url))
        for name in ("reader_url", "operator_url", "owner_url"):
            held.enter_context(psycopg.connect(platform.ready[name]))


def test_commands_ask_the_platform(platform: Platform) -> None:
    ready = Path(platform.ready["data_dir"]).parent / "ready.json"

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, *arguments, "--ready-file", str(ready)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert json.loads(ask("status").stdout)["database"]["running"] is True
    assert json.loads(ask("stop", "redis").stdout)["components"]["redis"]["stopped_on_purpose"] is True
    restarted = ask("restart", "--component", "redis")
    assert json.loads(restarted.stdout)["components"]["redis"]["running"] is True
    assert json.loads(ask("releases").stdout)[0]["id"] == "42"
    assert len(json.loads(ask("logs", "--limit", "1").stdout)) <= 1
    failed = ask("deploy", "99")
    assert (failed.returncode, "no release '99'" in failed.stderr) == (1, True)


def test_sigterm_ends_everything_within_five_seconds(folder: Path) -> None:
    with running(folder) as platform:
        pids = platform.pids()
        assert len(pids) == 5
        started = time.monotonic()
        platform.process.terminate()
        assert platform.process.wait(20) == 0
        assert time.monotonic() - started < 5
        assert not [pid for pid in pids if alive(pid)]
        assert not (folder / "ready.json").exists()


@pytest.mark.slow
def test_the_end_of_its_input_ends_it_if_asked_for(folder: Path) -> None:
    with running(folder, "--replicas", "1", "--exit-on-eof") as platform:
        assert platform.process.stdin is not None
        platform.process.stdin.close()
        assert platform.process.wait(20) == 0


def test_kill_9_leaves_no_process_and_a_new_start_goes_on(folder: Path) -> None:
    with running(folder) as platform:
        platform.change("/releases", {"id": "43", "note": "kept"})
        platform.change("/deployments", {"release": "43"})
        pids = platform.pids()
        platform.process.kill()
        platform.process.wait(20)
        wait_for(lambda: not [pid for pid in pids if alive(pid)])
    (folder / "ready.json").unlink()
    with running(folder) as platform:
        assert platform.get("/status")["release"] == "43"
        assert [r["id"] for r in platform.get("/releases")] == ["42", "43"]
        assert platform.app("/api/health") == 200


@pytest.mark.parametrize("option", ["--port", "--app-port"])
def test_a_taken_port_is_one_clear_error(folder: Path, option: str) -> None:
    with bound(0) as taken:
        port = str(taken.getsockname()[1])
        command = [*COMMAND, "run", "--data", str(folder / "d"), "--ready-file", str(folder / "r"), option, port]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert (
        done.stderr.strip() == f"Error: port {port} on 127.0.0.1 is taken: choose another one, or 0 for any free port"
    )
    assert not (folder / "r").exists()
