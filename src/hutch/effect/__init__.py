"""What a statement can do: read, change or destroy. Pure; the knowledge is in ``data`` and ``programs``."""

from __future__ import annotations

from hutch.effect.actions import classify_action
from hutch.effect.dispatch import classify, forget
from hutch.effect.http import classify_http
from hutch.effect.shell import classify_shell
from hutch.effect.sql import classify_sql

__all__ = ["classify", "classify_action", "classify_http", "classify_shell", "classify_sql", "forget"]
