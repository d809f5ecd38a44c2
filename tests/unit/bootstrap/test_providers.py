"""Providers are found through entry points; one that cannot be loaded costs only itself."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hutch.bootstrap import wire
from hutch.commands.context import CommandError


def test_a_provider_that_cannot_be_loaded_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    points = [
        EntryPoint("shell", "hutch.providers.shell:provider", "hutch.providers"),
        EntryPoint("broken", "no_such_module_here:provider", "hutch.providers"),
        EntryPoint("empty", "hutch.providers.shell:nothing", "hutch.providers"),
    ]
    monkeypatch.setattr(wire, "entry_points", lambda group: points)
    monkeypatch.setattr(wire, "BROKEN", {})
    assert list(wire.find_providers()) == ["shell"]
    (tmp_path / "hutch.yaml").write_text("services: {shop: {broken: {url: x}}}\n")
    with pytest.raises(CommandError, match="provider broken cannot be loaded: ModuleNotFoundError"):
        wire.read_config(tmp_path / "hutch.yaml")
