"""One JSON object a line on stdout, for warnings and worse."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final

EXTRAS: Final = ("user_id", "trace_id", "method", "path", "status", "seconds")
FRAMES: Final = -6
"""Only the innermost frames of a traceback: the rest is the framework, the same for every request."""


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; `release` goes into each."""

    def __init__(self, release: str) -> None:
        super().__init__()
        self._release = release

    def format(self, record: logging.LogRecord) -> str:
        """Level, time, release, message, and of `EXTRAS` what the record carries."""
        line: dict[str, object] = {
            "level": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "release": self._release,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in EXTRAS if getattr(record, name, None) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}".strip()
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1], limit=FRAMES))
        return json.dumps(line, default=str)


def configure(release: str, level: int = logging.WARNING) -> None:
    """Send everything from `level` on to stdout; the server's own report of an error is left out, ours names it."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(release))
    handler.addFilter(_is_not_repeated)
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _is_not_repeated(record: logging.LogRecord) -> bool:
    return not (record.name == "uvicorn.error" and record.getMessage().startswith("Exception in ASGI application"))
