"""``probes`` of ``hutch.yaml``: what each kind takes, where it runs, whose target it has; secrets stay references."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.config import load
from hutch.bootstrap.probes import PROBE, find_kinds, opener
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.wire import find_providers
from hutch.commands.context import CommandError
from hutch.model.config import Config
from hutch.ports import ProbeKind
from hutch.store.clock import SystemClock

GOOD = """
location: home
services:
  shop:
    http: {url: "https://shop.example/base"}
    postgres: {url: {env: SHOP_DB}}
  mail: {http: {url: "https://mail.example"}}
probes:
  - {name: front page, service: shop, kind: http, interval: 10s, timeout: 3s, locations: [home, frankfurt]}
  - {name: health, service: shop, kind: http, target: /api/health, json: {status: ok}, status: [200, 2xx]}
  - {name: hidden, service: shop, kind: http, target: {env: SHOP_URL}, secret_headers: {X-Key: {env: SHOP_KEY}}}
  - {name: database, service: shop, kind: postgres, query: "SELECT count(*) FROM orders"}
  - {name: smtp, service: mail, kind: tcp, target: "mail.example:25", expect: "220"}
  - {name: name, service: mail, kind: dns, target: mail.example, type: MX, server: "192.0.2.1:5353"}
"""


def read(folder: Path, text: str) -> Config:
    path = folder / "hutch.yaml"
    path.write_text(text)
    return load(path, find_providers())


def test_every_kind_is_read(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    front, health, hidden, database, smtp, name = config.probes
    assert (front.target, front.every, front.timeout) == (
        "plain:https://shop.example/base", timedelta(seconds=10), timedelta(seconds=3),
    )  # fmt: skip
    assert (front.locations, health.locations) == (("home", "frankfurt"), ("home",))
    assert health.target == "plain:https://shop.example/api/health"
    assert health.settings["json"] == {"status": "ok"}
    assert (hidden.target, hidden.settings["secret_headers"]) == ("env:SHOP_URL", {"X-Key": "env:SHOP_KEY"})
    assert (database.target, smtp.target, name.settings["server"]) == (
        "env:SHOP_DB",
        "mail.example:25",
        "192.0.2.1:5353",
    )
    assert (name.every, name.timeout, config.location) == (timedelta(seconds=30), timedelta(seconds=10), "home")
    assert front.counts_for() == timedelta(seconds=23)
    assert front.counts_for(10) == timedelta(seconds=5)


def test_secrets_are_resolved_where_a_probe_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(tmp_path, GOOD)
    secrets = EnvironmentSecrets(tmp_path)
    opened = opener(secrets, SystemClock().now)
    hidden = config.probes[2]
    with pytest.raises(CommandError, match=r"probe 'hidden': .*SHOP_URL"):
        opened(hidden)
    monkeypatch.setenv("SHOP_URL", "https://shop.example/?key=hunter2222")
    monkeypatch.setenv("SHOP_KEY", "two\nlines-of-a-key")
    with pytest.raises(CommandError, match="probe 'hidden': headers: X-Key must be one line") as caught:
        opened(hidden)
    assert "lines-of" not in str(caught.value)
    monkeypatch.setenv("SHOP_KEY", "key-of-the-shop")
    opened(hidden)
    assert secrets.mask("key-of-the-shop at https://shop.example/?key=hunter2222") == "••• at •••"


@pytest.mark.parametrize("kind", find_kinds().values(), ids=lambda k: k.name)
def test_every_kind_says_what_it_takes_and_gives(kind: ProbeKind) -> None:
    shared = {s.name for s in PROBE}
    assert kind.summary and kind.target.doc and kind.target.name == "target"
    assert not [s.name for s in kind.settings if s.name in shared or not s.doc]
    assert kind.codes and all("." in code and doc for code, doc in kind.codes.items())
