"""Where the replicas' lines go: into the ring that is searched, and into one file a release."""

from __future__ import annotations

from pathlib import Path

from rolerabbit.platform.logs import Line, Ring

ROTATE_BYTES = 5_000_000


class Logbook:
    """Keeps the lines. A file that has grown past 5 MB becomes ``.1``, in the place of the one before."""

    def __init__(self, folder: Path) -> None:
        self.ring = Ring()
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, line: Line) -> None:
        """Keep one line."""
        self.ring.add(line)
        path = self._folder / f"release-{line.release}.log"
        if path.exists() and path.stat().st_size > ROTATE_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line.time.isoformat()} {line.replica} {line.stream} {line.text}\n")
