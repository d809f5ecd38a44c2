"""``hutch`` as it will be one day: with schema 0002, which serves those of 0001, or with 0003, which does not."""

from __future__ import annotations

import os
from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection

from hutch.cli import main
from hutch.store import revisions, upgrade

_OWN = os.environ["SCHEMA"]
_KNOWN = tuple(f"{number:04}" for number in range(1, int(_OWN) + 1))
_FOLDERS = [Path(__file__).parents[1] / "data" / "schema" / f"v{revision}" for revision in _KNOWN[1:]]
_config = upgrade.alembic_config


def _longer(connection: Connection | None = None, scripts: Path = upgrade.SQLITE) -> Config:
    config = _config(connection, scripts)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, [scripts / "versions", *_FOLDERS])))
    return config


if __name__ == "__main__":
    revisions.FILE = revisions.SERVER = revisions.History(_KNOWN, {"0002": ("0001",), "0003": ("0002",)})
    upgrade.alembic_config = _longer
    main()
