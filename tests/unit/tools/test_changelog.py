from __future__ import annotations

from datetime import date

import changelog
import pytest

DAY = date(2026, 3, 1)
OLD = "# Changelog\n\nNewest first.\n\n## 0.1.0 (2026-01-01)\n\n### Added\n\n- All of it.\n"


def test_fragments_become_a_section_above_the_older_ones() -> None:
    fragments = {"b.fixed.md": "A bug\nis gone.\n", "a.added.md": "A thing.\n", "c.added.md": "Another.\n"}
    assert changelog.release(OLD, "0.2.0", DAY, fragments) == (
        "# Changelog\n\nNewest first.\n\n## 0.2.0 (2026-03-01)\n\n### Added\n\n- A thing.\n- Another.\n\n"
        "### Fixed\n\n- A bug is gone.\n\n## 0.1.0 (2026-01-01)\n\n### Added\n\n- All of it.\n"
    )


@pytest.mark.parametrize(
    ("version", "fragments", "message"),
    [
        ("0.2.0", {}, "nothing to release"),
        ("0.1.0", {"a.added.md": "A thing."}, "a section for 0.1.0 already"),
        ("0.2.0", {"a.removed.md": "A thing."}, "changelog.d/a.removed.md: name it"),
    ],
)
def test_what_cannot_be_released_says_why(version: str, fragments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changelog.release(OLD, version, DAY, fragments)
