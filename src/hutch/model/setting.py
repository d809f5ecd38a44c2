"""One key of the configuration, as code declares it: it is read, checked and documented by this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a provider's block in ``hutch.yaml``. ``kind``: text url secret secrets int float bool list
    map duration time path folder (relative to ``hutch.yaml``; ``path``: a file that is there).

    A ``secret`` is never written in the file: its value is ``{env: NAME}`` or ``{file: PATH}`` (``secrets``: a mapping
    of names to such); a URL of kind
    ``secret`` may hold a password and is masked wherever it is shown. ``fills`` names the placeholders of documents
    (``service-url``) whose value it is.
    """

    name: str
    kind: str
    doc: str
    required: bool = False
    default: object = None
    fills: tuple[str, ...] = ()


def above_zero(block: str, values: Mapping[str, object], name: str) -> float:
    """The number that ``block`` gives for ``name``. ``ValueError`` says what it must be.

    >>> above_zero("redis", {"timeout": 2}, "timeout")
    2.0
    """
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{block}: {name} must be a number above 0, not {value!r}")
    return float(value)


def filled_text(block: str, values: Mapping[str, object], name: str) -> str:
    """The text that ``block`` gives for ``name``. ``ValueError`` where it is empty or none."""
    value = values[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{block}: {name} must be text, not {value!r}")
    return value


def named_texts(block: str, values: Mapping[str, object], name: str) -> dict[str, str]:
    """Names with a text each; empty where none are given. ``ValueError`` says what they must be."""
    value = values[name] or {}
    if not isinstance(value, Mapping) or not all(isinstance(text, str) and text for text in value.values()):
        raise ValueError(f"{block}: {name} must map names of yours to texts, not {value!r}")
    return {str(key): str(text) for key, text in value.items()}
