"""Alert rules in the form that documents and ``hutch.yaml`` share.

A rule has ``name``, ``condition`` (``error_rate > 5%``), ``duration`` (``5m``), ``severity`` (``SEV-2``), and may have
``runbook``, ``labels``, ``annotations``, ``service`` (judged for that one only), ``keep_firing_for`` (as Prometheus'),
``no_data`` (after how long without data that is an alert of its own) and ``quorum`` (``2`` or ``2 of 3``: so many
places must see a probe fail).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import yaml

from hutch.model.alert import Condition, Rule
from hutch.model.severity import Severity
from hutch.model.units import UNITS
from hutch.runbook import yaml_text
from hutch.runbook.errors import RunbookError
from hutch.runbook.yaml_text import YamlError

REQUIRED = ("name", "condition", "duration", "severity")
OPTIONAL = ("runbook", "labels", "annotations", "service", "keep_firing_for", "no_data", "quorum")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

LONGEST = timedelta(days=366)
"""A longer duration is a slip of the pen."""

_CONDITION = re.compile(
    r"^\s*(?P<signal>[A-Za-z_][\w.]*)\s*(?P<op>>=|<=|==|!=|>|<)\s*(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?P<unit>\S*)\s*$"
)
_DURATION = re.compile(r"(\d{1,9})\s*([smhd])")
_QUORUM = re.compile(r"(\d{1,3})(?:\s+of\s+(\d{1,3}))?")
_HEAD = re.compile(r"^alerts[ \t]*:", re.MULTILINE)


def holds_rules(text: str) -> bool:
    """Whether a YAML text is a set of alert rules: its top has ``alerts:``. Cheap; parses nothing."""
    return _HEAD.search(text) is not None


def parse_rules(source: str | yaml.Node, first_line: int = 1) -> tuple[Rule, ...]:
    """The rules of a YAML text whose top is ``alerts:``, or of an already composed node (that mapping or its list).

    ``first_line`` is the line of the text's first line, so that rules and errors carry the document's lines; for a
    node from a whole file it is 1. Raises :class:`RunbookError`.
    """
    node = _compose(source, first_line) if isinstance(source, str) else source
    items = _alerts(node, first_line)
    return tuple(_from_node(item, first_line) for item in items)


def rules_from(data: Sequence[Mapping[str, object]], lines: Sequence[int]) -> tuple[Rule, ...]:
    """The rules of already loaded mappings; ``lines`` says where each one stands."""
    return tuple(rule(fields, line) for fields, line in zip(data, lines, strict=True))


def rule(fields: Mapping[str, object], line: int, lines: Mapping[str, int] | None = None) -> Rule:
    """One rule. ``lines`` gives the line of single fields, for errors that point at them."""
    where = lines or {}
    named = f"alert rule {str(fields['name'])!r}" if fields.get("name") else "alert rule"
    _check_keys(fields, named, line, where)

    def mapping(key: str) -> dict[str, str]:
        found = fields.get(key) or {}
        if not isinstance(found, Mapping):
            raise RunbookError(f"{named}: {key} must be 'key: value' lines", where.get(key, line))
        return {str(k): str(v) for k, v in found.items()}

    def length(key: str) -> timedelta | None:
        given = fields.get(key) not in (None, "")
        return duration(str(fields[key]), where.get(key, line), named) if given else None

    quorum, places = _quorum(fields.get("quorum"), where.get("quorum", line), named)
    return Rule(
        name=str(fields["name"]),
        condition=condition(str(fields["condition"]), where.get("condition", line), named),
        duration=length("duration") or timedelta(0),
        severity=_severity(fields["severity"], where.get("severity", line), named),
        line=line,
        labels=mapping("labels"),
        runbook=str(fields.get("runbook") or ""),
        annotations=mapping("annotations"),
        service=str(fields.get("service") or ""),
        keep_firing_for=length("keep_firing_for") or timedelta(0),
        no_data=length("no_data"),
        quorum=quorum,
        places=places,
    )


def condition(text: str, line: int = 0, named: str = "condition") -> Condition:
    """``error_rate > 5%``. Raises :class:`RunbookError`."""
    found = _CONDITION.match(text)
    if not found:
        raise RunbookError(
            f"{named}: cannot read condition {text!r}; write 'signal op number unit', as error_rate > 5%", line
        )
    if found["unit"] not in ("", *UNITS):
        raise RunbookError(f"{named}: unknown unit {found['unit']!r} in {text!r}; one of: {', '.join(UNITS)}", line)
    return Condition(found["signal"], found["op"], float(found["number"]), found["unit"])


def duration(text: str, line: int = 0, named: str = "duration") -> timedelta:
    """``30s``, ``5m``, ``1h30m``, ``1d``. Raises :class:`RunbookError`."""
    compact = text.strip()
    found = _DURATION.findall(compact)
    if not found or _DURATION.sub("", compact).strip():
        raise RunbookError(f"{named}: cannot read duration {text!r}; write a number and s, m, h or d, as 5m", line)
    seconds = math.fsum(int(number) * SECONDS[unit] for number, unit in found)
    if seconds > LONGEST.total_seconds():
        raise RunbookError(f"{named}: duration {text!r} is longer than a year; write a shorter one", line)
    return timedelta(seconds=seconds)


def _quorum(value: object, line: int, named: str) -> tuple[int, int]:
    """``2`` or ``2 of 3``; zeros where there is none."""
    if value in (None, ""):
        return 0, 0
    found = _QUORUM.fullmatch(str(value).strip())
    least, of = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if least < 1 or (of and of < least):
        raise RunbookError(
            f"{named}: cannot read quorum {value!r}; write how many places must agree, as 2 or 2 of 3", line
        )
    return least, of


def _severity(value: object, line: int, named: str) -> Severity:
    try:
        return Severity.of(str(value))
    except ValueError as error:
        raise RunbookError(f"{named}: {error}", line) from None


def _check_keys(fields: Mapping[str, object], named: str, line: int, where: Mapping[str, int]) -> None:
    for key in fields:
        if key not in (*REQUIRED, *OPTIONAL):
            near = difflib.get_close_matches(str(key), [*REQUIRED, *OPTIONAL], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join((*REQUIRED, *OPTIONAL))}"
            raise RunbookError(f"{named}: unknown key {str(key)!r}; {hint}", where.get(str(key), line))
    for key in REQUIRED:
        if fields.get(key) in (None, ""):
            raise RunbookError(f"{named}: {key!r} is missing; add it", line)


def _compose(text: str, first_line: int) -> yaml.Node:
    try:
        return yaml_text.compose(text) or yaml.SequenceNode("", [])
    except YamlError as error:
        raise RunbookError(
            f"alert rules are not YAML: {error.problem}; correct the block", first_line + error.line
        ) from None


def _alerts(node: yaml.Node, first_line: int) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == "alerts"), yaml.SequenceNode("", []))
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.ScalarNode) and not node.value:
        return []
    raise RunbookError("'alerts' must be a list; begin each rule with '- name:'", _line(node, first_line))


def _from_node(node: yaml.Node, first_line: int) -> Rule:
    line = _line(node, first_line)
    if not isinstance(node, yaml.MappingNode):
        raise RunbookError("an alert rule must be 'key: value' lines; begin it with '- name:'", line)
    lines = {str(key.value): _line(key, first_line) for key, _ in node.value}
    return rule({str(key.value): _plain(value) for key, value in node.value}, line, lines)


def _plain(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): str(value.value) for key, value in node.value}
    return str(node.value)


def _line(node: yaml.Node, first_line: int) -> int:
    return first_line + (node.start_mark.line if node.start_mark else 0)
