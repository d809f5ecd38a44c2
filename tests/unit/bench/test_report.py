from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench.kept import forget, keep, kept
from bench.machine import describe, file_system
from bench.measure import Figure, Goal, Ratio, line, spread
from bench.report import RATIOS, as_charts, as_data, as_page
from bench.waiting import flat

FIGURE = Figure(
    "steps",
    "Step overhead",
    "How it was done.",
    (
        Ratio("read", "two commits", spread([2.0, 3.0, 5.0]), Goal(2.5), {"step (s)": spread([0.0123456])}),
        Ratio("change", "two commits", spread([1.0]), None, {"step (s)": spread([2.0]), "spawn (s)": spread([1.0])}),
    ),
    {"jobs taken": 0},
    (line("a <list>", "incidents", "s", {1_000: [0.02, 0.03], 100_000: [0.2, 0.3]}),),
)
MACHINE = {"cores": 2}
MOUNTS = (
    "21 1 254:0 / / rw - ext4 /dev/root rw\n"
    "22 21 0:5 / /tmp rw,nosuid shared:4 - tmpfs tmpfs rw\n"
    "23 21 0:6 / /tmpfoo rw - xfs /dev/x rw\n"
)


def test_the_page_says_ratio_spread_floor_and_goal() -> None:
    lines = as_page(MACHINE, [FIGURE], quick=False).splitlines()
    assert "| read | two commits | 3.00 × (2.20–4.60) | 3 | goal ≤ 2.5: missed |" in lines
    assert "| change | two commits | 1.00 × (1.00–1.00) | 1 | – |" in lines
    assert "| Step overhead: read | 3.00 × (2.20–4.60) | goal ≤ 2.5: missed |" in lines
    assert "| cores | 2 |" in lines
    assert "- jobs taken: 0" in lines


def test_quantities_of_one_name_are_told_apart() -> None:
    page = as_page(MACHINE, [FIGURE], quick=False)
    assert "| read: step (s) | 0.01235 |" in page
    assert "| change: step (s) | 2 |" in page
    assert "| spawn (s) | 1 |" in page


def test_a_quick_run_says_so() -> None:
    assert "A quick run" in as_page(MACHINE, [FIGURE], quick=True)
    assert "A quick run" not in as_page(MACHINE, [FIGURE], quick=False)


def test_the_data_hold_what_the_page_says() -> None:
    data = as_data(MACHINE, [FIGURE], quick=False)
    assert list(data) == ["machine", "quick", "figures"]
    figure = data["figures"][0]  # type: ignore[index]
    read, change = figure["ratios"]
    assert (read["ratio"]["median"], read["goal"], read["met"]) == (3.0, 2.5, False)
    assert (change["goal"], change["met"]) == (None, None)
    assert figure["facts"] == {"jobs taken": 0}


def test_the_file_system_is_that_of_the_nearest_mount() -> None:
    assert file_system(Path("/tmp/x"), MOUNTS) == "tmpfs"
    assert file_system(Path("/tmpfoo"), MOUNTS) == "xfs"
    assert file_system(Path("/var/tmp"), MOUNTS) == "ext4"
    assert file_system(Path("/var"), "") == "unknown"


def test_the_machine_is_described_without_its_name_or_a_path() -> None:
    found = describe()
    assert {"cores", "memory (GiB)", "kernel", "python", "file system of the stores"} <= found.keys()
    text = " ".join(str(v) for v in found.values())
    assert socket.gethostname() not in text.split()
    assert not re.search(r"(^| )/\w", text)


def test_idle_is_flat_when_one_lies_in_the_spread() -> None:
    assert flat(spread([0.95, 1.0, 1.1])) == "yes"
    assert flat(spread([2.0, 3.0, 4.0])) == "no: 3.00 times"


def test_the_line_and_its_slope_stand_on_the_page_and_in_the_data() -> None:
    page = as_page(MACHINE, [FIGURE], quick=False)
    assert "| Step overhead: a <list> | 0.025 s at 1,000 incidents | 0.25 s at 100,000 incidents | 0.50 |" in page
    assert "| a <list> | 1,000 incidents | s | 0.025 | 0.021 | 0.029 |" in page
    assert "](charts/steps.svg)" in page and f"]({RATIOS})" in page
    [told] = as_data(MACHINE, [FIGURE], quick=False)["figures"][0]["lines"]  # type: ignore[index]
    assert (told["slope"], told["points"][1]["incidents"]) == (0.5, 100_000)


def test_each_picture_that_the_page_shows_is_made() -> None:
    page = as_page(MACHINE, [FIGURE, replace(FIGURE, name="flat", lines=())], quick=False)
    made = as_charts([FIGURE, replace(FIGURE, name="flat", lines=())])
    assert re.findall(r"\]\((.*\.svg)\)", page) == list(made) == [RATIOS, "charts/steps.svg"]
    for text in made.values():
        root = ElementTree.fromstring(text)
        assert root.get("role") == "img" and root[0].tag.endswith("title")
        places = [float(x) for at in root.iter() for name, x in at.attrib.items() if name in ("x", "cx", "x1", "x2")]
        assert min(places) >= 0 and max(places) <= float(root.get("width", 0))
    assert "slope of 0.50" in made["charts/steps.svg"] and "read 3.00" in made[RATIOS]


def test_a_figure_that_was_kept_says_the_same(tmp_path: Path) -> None:
    assert kept(tmp_path, "steps") is None
    keep(tmp_path / "new", FIGURE)
    found = kept(tmp_path / "new", "steps")
    assert found is not None
    assert as_page(MACHINE, [found], quick=False) == as_page(MACHINE, [FIGURE], quick=False)
    assert as_data(MACHINE, [found], quick=False) == as_data(MACHINE, [FIGURE], quick=False)
    forget(tmp_path / "new")
    assert kept(tmp_path / "new", "steps") is None


def test_what_is_not_a_figure_is_refused(tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text("{}")
    with pytest.raises(ValueError, match="measure anew"):
        kept(tmp_path, "steps")
