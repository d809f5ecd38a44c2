"""The settings of log files, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("paths", "list", "absolute paths of the files, with * and ** for any part of a name", required=True),
    Setting("timeout", "float", "seconds that one search may take", default=30.0),
    Setting("most_files", "int", "files that one search reads, those that were written last", default=200),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them."""

    paths: tuple[str, ...]
    timeout: float
    most_files: int


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    paths, most = values["paths"], values["most_files"]
    if not isinstance(paths, list | tuple) or not paths or not all(isinstance(p, str) for p in paths):
        raise ValueError(f"files: paths must be a list of paths, not {paths!r}")
    wrong = next((path for path in paths if not PurePath(path).is_absolute()), None)
    if wrong is not None:
        raise ValueError(f"files: paths must be absolute, as /var/log/web/*.log, not {wrong!r}")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ValueError(f"files: most_files must be a whole number above 0, not {most!r}")
    return Config(tuple(map(str, paths)), above_zero("files", values, "timeout"), most)
