"""The SQL that this provider sends, one statement a file. A server version in a name means: from this version on."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_PART = re.compile(r"\{([a-z_]+)\}")


@cache
def query(name: str) -> str:
    """The text of ``<name>.sql``, with the texts that it names in braces put in."""
    text = files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return _PART.sub(lambda part: query(part[1]).strip(), text)
