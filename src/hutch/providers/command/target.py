"""Opens a team's command lines as a target: actions, reads, checks, deployments."""

from __future__ import annotations

import re

from hutch.ports import Action, Advisories, Connection, Run, TargetConfig
from hutch.providers.command.actions import Deed, Question, undoing
from hutch.providers.command.advisories import Reader
from hutch.providers.command.config import Config, config_from
from hutch.providers.command.looks import Check, Deployments
from hutch.providers.command.machine import Machine

LISTING, RESTART = "deploy.list", "service.restart"
NAMES = re.compile(r"[a-z0-9_-]+(\|[a-z0-9_-]+)*")


def connect(target: TargetConfig) -> Connection:
    """Everything that the configuration declares."""
    config = config_from(target.settings)
    machine = Machine(config)
    listed = next((v for v in config.verbs if v.name == LISTING and v.each), None)
    return Connection(
        target=f"{target.service}: commands",
        checks={f"command.{p.name}": Check(p, machine, target.service, target.now) for p in config.probes},
        actions=_actions(config, machine),
        runs=_runs(config, machine),
        advisories=Advisories(Reader(config.advisories, machine, target.now), config.advisories.care)
        if config.advisories
        else None,
        changes=Deployments(listed, machine) if listed else None,
        parts=parts(config),
    )


def parts(config: Config) -> frozenset[str]:
    """What ``service.restart`` takes as its component, where its pattern names each: ``redis|postgres``."""
    patterns = (
        v.patterns["component"].pattern for v in config.verbs if v.name == RESTART and "component" in v.patterns
    )
    pattern = next((p for p in patterns if NAMES.fullmatch(p)), "")
    return frozenset(pattern.split("|")) if pattern else frozenset()


def _actions(config: Config, machine: Machine) -> dict[str, Action]:
    deeds = [v for v in config.verbs if v.effect != "read"]
    undos = [undoing(v) for v in deeds if v.undo]
    return {verb.name: Deed(verb, machine) for verb in (*undos, *deeds)}


def _runs(config: Config, machine: Machine) -> dict[str, Run]:
    return {v.name: Question(v, machine).run for v in config.verbs if v.effect == "read"}
