"""A small client of the platform's HTTP API, for its own commands."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 70.0


class ClientError(Exception):
    """The platform refused, or can't be reached. ``unreachable`` tells which."""

    def __init__(self, text: str, unreachable: bool = False) -> None:
        super().__init__(text)
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Client:
    """Where the platform is, and the token for changes."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def of_ready_file(cls, path: Path) -> Client:
        """As the ready file says. ClientError if it isn't there or isn't one."""
        try:
            ready = json.loads(path.read_text(encoding="utf-8"))
            return cls(ready["api_url"], ready["token"])
        except FileNotFoundError as error:
            raise ClientError(f"{path} is not there: does the platform run?", unreachable=True) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ClientError(f"{path} is no ready file: {error!r}") from error

    def get(self, path: str, **query: object) -> Any:
        """A reading call; None in ``query`` is left out."""
        wanted = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        return self._call("GET", f"{path}?{wanted}" if wanted else path, None)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """A changing call; answers when the change is done."""
        return self._call("POST", path, json.dumps(body or {}).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        if not self.url.startswith(("http://", "https://")):
            raise ClientError(f"{self.url!r} is no address: expected http://127.0.0.1:PORT")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url.rstrip("/") + path, body, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise ClientError(_refusal(error.code, error.read())) from error
        except (OSError, ValueError) as error:
            raise ClientError(f"no answer from the platform at {self.url}: {error}", unreachable=True) from error


def _refusal(status: int, body: bytes) -> str:
    try:
        said = json.loads(body)
        return f"{said['error']}: {said['what_to_do']}"
    except (ValueError, KeyError, TypeError):
        return f"the platform answered {status}"
