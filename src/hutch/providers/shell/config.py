"""The settings of this machine's programs, each with its unit and default, and their checked form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("timeout", "float", "longest time in seconds that one command may take", default=300.0),
    Setting("output_limit", "int", "bytes of output that are kept, the last ones", default=65536),
    Setting("processes", "int", "processes that one command may become; more, and it is killed", default=512),
    Setting("grace", "float", "seconds from asking a command to end to killing it", default=2.0),
    Setting("directory", "text", "folder that commands run in; empty: a new one, deleted afterwards", default=""),
    Setting(
        "pass_env", "list", "names of Hutch's own environment variables that commands get, such as HOME", default=()
    ),
)
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them."""

    timeout: float
    output_limit: int
    processes: int
    grace: float
    directory: str
    pass_env: tuple[str, ...]


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    directory = values["directory"]
    if not isinstance(directory, str):
        raise ValueError(f"shell: directory must be the path of a folder, not {directory!r}")
    return Config(
        timeout=above_zero("shell", values, "timeout"),
        output_limit=int(above_zero("shell", values, "output_limit")),
        processes=int(above_zero("shell", values, "processes")),
        grace=above_zero("shell", values, "grace"),
        directory=str(Path(directory).expanduser()) if directory else "",
        pass_env=_names(values["pass_env"]),
    )


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(n, str) and _VARIABLE.fullmatch(n) for n in value):
        raise ValueError(f"shell: pass_env must be a list of variables' names, not {value!r}")
    return tuple(str(name) for name in value)
