"""Assembles the fragments of ``changelog.d`` into ``CHANGELOG.md`` under a version, and removes them.

A fragment is ``NAME.added.md``, ``NAME.changed.md`` or ``NAME.fixed.md``: one sentence or two for those who use Hutch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("added", "changed", "fixed")


def release(changelog: str, version: str, day: date, fragments: Mapping[str, str]) -> str:
    """The changelog with a section for ``version`` above the older ones; ``fragments`` maps file names to texts.

    Raises ``ValueError`` where there is nothing to release, the version is there already, or a name has no kind.
    """
    unknown = [name for name in fragments if _kind(name) not in KINDS]
    if unknown:
        raise ValueError(f"changelog.d/{unknown[0]}: name it NAME.added.md, NAME.changed.md or NAME.fixed.md")
    if not fragments:
        raise ValueError("changelog.d holds no fragment: there is nothing to release")
    if f"## {version} " in changelog:
        raise ValueError(f"CHANGELOG.md has a section for {version} already")
    head, mark, older = changelog.partition("\n## ")
    parts = [_part(kind, [text for name, text in sorted(fragments.items()) if _kind(name) == kind]) for kind in KINDS]
    section = "\n\n".join([f"## {version} ({day.isoformat()})", *(p for p in parts if p)])
    return f"{head.rstrip()}\n\n{section}\n{mark}{older}"


def _kind(name: str) -> str:
    pieces = name.split(".")
    return pieces[-2] if len(pieces) == 3 and pieces[-1] == "md" else ""


def _part(kind: str, texts: list[str]) -> str:
    entries = "\n".join("- " + " ".join(text.split()) for text in texts)
    return f"### {kind.capitalize()}\n\n{entries}" if texts else ""


def main(arguments: list[str]) -> int:
    """Exit code 0 when released, 1 with the reason when not; nothing is written then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version")
    options = parser.parse_args(arguments)
    changelog = ROOT / "CHANGELOG.md"
    files = sorted((ROOT / "changelog.d").glob("*.md"))
    try:
        text = release(
            changelog.read_text(), options.version, datetime.now(UTC).date(), {f.name: f.read_text() for f in files}
        )
    except ValueError as error:
        print(f"changelog: {error}", file=sys.stderr)
        return 1
    changelog.write_text(text)
    for file in files:
        file.unlink()
    print(f"changelog: {len(files)} fragments are now under {options.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
