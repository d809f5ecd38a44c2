"""Killed at any step: the database is as it was, or whole; the second run finishes, and no scratch database is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from shop_world import Shop

CONFIG = """
mode: act
services:
  shop:
    backup:
      url: {{env: SHOP_URL}}
      recover_url: {{env: SHOP_URL}}
      to: {to}
      tools: {tools}
      work: {work}
      recover_lock_timeout: 60.0
"""
WORDS = ("recover", "rows", "--table", "portfolios", "--from-audit", "--apply", "--yes")
PATIENCE = 60.0
STATE = "select count(*) || ' ' || md5(string_agg(p::text, ',' order by id)) from portfolios p"
PAGES = "select count(*) || ' ' || coalesce(md5(string_agg(p::text, ',' order by portfolio_id)), '') from pages p"


@pytest.fixture
def home(shop: Shop, tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    settings = {"to": shop.folder, "tools": shop.postgres.bin_dir, "work": tmp_path / "work"}
    (tmp_path / "hutch.yaml").write_text(CONFIG.format(**settings))
    return tmp_path


@contextmanager
def hutch(home: Path, shop: Shop) -> Iterator[subprocess.Popen[str]]:
    argv = [str(Path(sys.executable).with_name("hutch")), *WORDS]
    process = subprocess.Popen(
        argv, cwd=home, env={**os.environ, "SHOP_URL": shop.url}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.003)


def in_scratch(shop: Shop, question: str) -> bool:
    """Whether something holds in the scratch database; False while there is none, or it can't be asked."""
    for name in shop.scratches():
        try:
            with psycopg.connect(shop.postgres.url_for(name), autocommit=True) as connection:
                [row] = connection.execute(question.encode()).fetchall()
                return bool(row[0])
        except psycopg.Error:
            return False
    return False


def made(shop: Shop) -> bool:
    return bool(shop.scratches())


def shaped(shop: Shop) -> bool:
    return in_scratch(shop, "select count(*) = 1 from pg_class where relname = 'portfolios' and relpersistence = 'u'")


def counted(shop: Shop) -> bool:
    return in_scratch(shop, "select to_regclass('hutch_recover.pick_0') is not null")


def judged(shop: Shop) -> bool:
    """Merged, and the verification has found that the rows are there; the scratch database still stands."""
    return in_scratch(shop, "select count(*) = 500 from hutch_recover.pick_0 where status = 'present'")


def restored(shop: Shop) -> bool:
    return in_scratch(shop, "select count(*) = 900 from public.portfolios")


def planned(shop: Shop) -> bool:
    return in_scratch(shop, "select count(*) > 0 from hutch_recover.pick_1")


def waiting(shop: Shop) -> bool:
    question = (
        "select count(*) from pg_stat_activity where application_name = 'hutch recover' and wait_event_type = 'Lock'"
    )
    return bool(shop.one(question))


def merged(shop: Shop) -> bool:
    return bool(shop.one("select count(*) = 900 from portfolios"))


def kill_when(process: subprocess.Popen[str], true: Callable[[], bool], what: str) -> None:
    until(lambda: true() or process.poll() is not None, what)
    assert process.poll() is None, process.communicate()[0]
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


STEPS: dict[str, Callable[[Shop], bool]] = {
    "made": made, "shaped": shaped, "restored": restored, "counted": counted, "planned": planned, "merging": waiting,
    "merged": merged, "judged": judged,
}  # fmt: skip
"""What is seen once a step is done, in their order: fetching goes on beside the first."""
OFTEN = ("restored", "planned", "merging", "merged")
AFTER = ("merged", "judged")


def fetched(home: Path) -> bool:
    return any((home / "work").glob("hutch-backup-*/dump/*.dat*"))


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("fetched", marks=pytest.mark.slow),
        *(s if s in OFTEN else pytest.param(s, marks=pytest.mark.slow) for s in STEPS),
    ],
)
async def test_killed_and_done_again(shop: Shop, home: Path, step: str) -> None:
    await shop.backup()
    whole = (shop.one(STATE), shop.one(PAGES))
    shop.deleted("id <= 500")
    torn = (shop.one(STATE), shop.one(PAGES))
    with hutch(home, shop) as process:
        if step == "merging":
            with psycopg.connect(shop.url) as holder:
                holder.execute("lock table pages in share mode")
                kill_when(process, lambda: waiting(shop), "the merge waiting in its middle")
        else:
            kill_when(process, lambda: fetched(home) if step == "fetched" else STEPS[step](shop), step)
    until(
        lambda: shop.one("select count(*) = 0 from pg_stat_activity where application_name ~ '^hutch'"), "sessions end"
    )
    assert (shop.one(STATE), shop.one(PAGES)) == (whole if step in AFTER else torn)
    with hutch(home, shop) as again:
        told, _ = again.communicate(timeout=PATIENCE)
        assert again.returncode == 0, told
    assert (shop.one(STATE), shop.one(PAGES)) == whole
    assert shop.scratches() == []
    assert list((home / "work").iterdir()) == []
