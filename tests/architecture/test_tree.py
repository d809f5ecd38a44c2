"""What must hold for the files of the repository as a whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "docs", "tools", "changelog.d", "bench", "rehearsal", "packaging", ".ci")
BINARY = {".pyc", ".png", ".ico", ".woff2", ".gz", ".db"}
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:work|home/\w+)/")
INDEX_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org|artifactory", re.IGNORECASE
)
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def texts() -> Iterator[tuple[str, str]]:
    inside = (p for folder in FOLDERS for p in (ROOT / folder).rglob("*"))
    beside = ROOT.iterdir()
    for path in (*inside, *beside):
        if path.is_file() and path.suffix not in BINARY and path != Path(__file__):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX_HOST], ids=["machine paths", "index hosts"])
def test_no_file_names_a_place_of_its_making(pattern: re.Pattern[str]) -> None:
    found = [f"{name}: {match.group()}" for name, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", lock, re.MULTILINE)
    blocks = [block for block in re.split(r"\n(?=\S)", lock) if "==" in block.partition("\n")[0]]
    assert len(pins) == len(blocks) > 50
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    records = sorted(p.name for p in folder.glob("[0-9]*.md"))
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert records
    assert listed == records


def test_every_fragment_has_a_kind() -> None:
    names = [p.name for p in (ROOT / "changelog.d").iterdir()]
    assert [n for n in names if not re.fullmatch(r"[\w-]+\.(added|changed|fixed)\.md|\.gitkeep", n)] == []
