"""Files that a binding supplies: ``curl-format.txt: file:ops/curl-format.txt`` becomes the text that it holds."""

from __future__ import annotations

from pathlib import Path

from hutch.runbook.bind import FILE, TEXT

MOST = 64 * 1024
"""Bytes of a supplied file: its text goes with the command into the journal."""


def supplied(value: str, base: Path) -> str:
    """A binding's value as it is; ``file:PATH``, relative to ``base``, as ``text:…``. Raises ``ValueError``."""
    if not value.startswith(FILE):
        return value
    path = base / value.removeprefix(FILE)
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
        text = content.decode()
    except OSError as error:
        raise ValueError(f"the supplied file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"the supplied file {path} is not UTF-8 text") from error
    if len(content) > MOST:
        raise ValueError(f"the supplied file {path} is larger than {MOST // 1024} kB")
    return f"{TEXT}{text}"
