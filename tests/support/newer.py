"""``hutch`` as it will be one day: with schema 0012, which serves today's, or with 0013, which does not."""

from __future__ import annotations

import os
from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection

from hutch.cli import main
from hutch.store import revisions, upgrade

_OWN = os.environ["SCHEMA"]
_NEW = tuple(one for one in ("0012", "0013") if one <= _OWN)
_FOLDERS = [Path(__file__).parents[1] / "data" / "schema" / f"v{revision}" for revision in _NEW]
_config = upgrade.alembic_config


def _longer(connection: Connection | None = None, scripts: Path = upgrade.SQLITE) -> Config:
    os.environ["BEFORE"] = _BEFORE[scripts]
    config = _config(connection, scripts)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, [scripts / "versions", *_FOLDERS])))
    return config


def _continued(history: revisions.History) -> revisions.History:
    return revisions.History((*history.known, *_NEW), {**history.serves, "0012": history.known, "0013": ("0012",)})


_BEFORE = {upgrade.SQLITE: revisions.FILE.own, upgrade.POSTGRES: revisions.SERVER.own}

if __name__ == "__main__":
    revisions.FILE, revisions.SERVER = _continued(revisions.FILE), _continued(revisions.SERVER)
    upgrade.alembic_config = _longer
    main()
