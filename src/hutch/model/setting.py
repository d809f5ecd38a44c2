"""One key of the configuration, as code declares it: it is read, checked and documented by this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a provider's block in ``hutch.yaml``. ``kind``: text url secret secrets int float bool list
    map duration time path (of a file, relative to ``hutch.yaml``).

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
