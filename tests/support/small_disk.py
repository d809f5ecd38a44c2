"""A place of bounded size: a small loop file system where root may mount one, to be filled and given room again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1 << 20


@dataclass
class Disk:
    """A place of bounded size. ``fill`` takes all that is left, ``free`` gives it back."""

    folder: Path
    fill: Callable[[], None]
    free: Callable[[], None]
    limits: Callable[[], None] | None = None


@contextlib.contextmanager
def small_disk(image: Path, folder: Path, megabytes: int = 16) -> Iterator[Disk | None]:
    """Such a file system on ``folder``, its bytes in ``image``; None where nobody may mount one."""
    if not _mounted(image, folder, megabytes):
        yield None
        return
    try:
        yield _loop(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=20)
        image.unlink()


def _mounted(image: Path, folder: Path, megabytes: int) -> bool:
    if os.geteuid() or not shutil.which("mkfs.ext4") or not shutil.which("mount"):
        return False
    image.touch()
    os.truncate(image, megabytes * MEGABYTE)
    words = (["mkfs.ext4", "-q", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(folder)])
    return all(subprocess.run(w, capture_output=True, timeout=30, check=False).returncode == 0 for w in words)


def _loop(folder: Path) -> Disk:
    filler = folder / "filler"

    def fill() -> None:
        """Large pieces first, then what is left in small ones."""
        with filler.open("ab", buffering=0) as out:
            for piece in (b"x" * MEGABYTE, b"x" * 4096):
                with contextlib.suppress(OSError):
                    while out.write(piece) == len(piece):
                        pass

    return Disk(folder, fill, filler.unlink)
