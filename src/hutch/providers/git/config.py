"""The settings of a repository, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.finding import COMMIT
from hutch.model.setting import above_zero, filled_text
from hutch.ports import Setting

SETTINGS = (
    Setting("repository", "text", "folder of a clone on this machine; it is read and never fetched", required=True),
    Setting("branch", "text", "what is deployed from: a branch, tag or commit", default="HEAD"),
    Setting(
        "revision", "text", "which tag or commit a release is, {release} filled in: v{release}", default="{release}"
    ),
    Setting("configuration", "list", "paths in it whose commits count as edits of the configuration", default=()),
    Setting("recent", "float", "hours back in which commits are told as recent changes", default=24.0),
    Setting("timeout", "float", "seconds that one look may take", default=10.0),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them."""

    repository: str
    branch: str
    revision: str
    configuration: tuple[str, ...]
    recent: float
    timeout: float

    def revision_of(self, release: str) -> str:
        """The name by which the repository knows a release; a whole commit is one itself."""
        return release if COMMIT.fullmatch(release) else self.revision.replace("{release}", release)


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    revision = filled_text("git", values, "revision")
    if "{release}" not in revision:
        raise ValueError(f"git: revision must hold {{release}}, as v{{release}}, not {revision!r}")
    paths = values["configuration"] or ()
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str) and path for path in paths):
        raise ValueError(f"git: configuration must be a list of paths, not {paths!r}")
    return Config(
        repository=filled_text("git", values, "repository"),
        branch=filled_text("git", values, "branch"),
        revision=revision,
        configuration=tuple(map(str, paths)),
        recent=above_zero("git", values, "recent"),
        timeout=above_zero("git", values, "timeout"),
    )
