"""The chart of a signal: what is drawn, what is said, and that nothing gets in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.model.bins import Bin, Track
from hutch.web.present.chart import (
    MARKS,
    POINTS,
    ROWS,
    Mark,
    Plot,
    Threshold,
    breaches,
    chart,
    figure,
    nice,
    times,
    with_unit,
)

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
STEP = timedelta(seconds=60)
ABOVE = Threshold(">", 5.0, "> 5")


def bins(*values: float | None) -> tuple[Bin, ...]:
    starts = [int((T0 + STEP * n).timestamp() * 1000) for n in range(len(values))]
    return tuple(Bin(s, 1, v, v, v, v) for s, v in zip(starts, values, strict=True) if v is not None)


def plot(*values: float | None, **more: object) -> Plot:
    end = T0 + STEP * max(len(values), 10)
    made = Plot("chart-x", "error_rate in %", "%", T0, end, Track(STEP, bins(*values)), (ABOVE,))
    return replace(made, **more)  # type: ignore[arg-type]


def drawn(made: Plot) -> ElementTree.Element:
    return ElementTree.fromstring(chart(made).svg)


def classes(root: ElementTree.Element) -> list[str]:
    return [e.get("class", "") for e in root.iter()]


def test_it_is_an_image_with_a_title_and_a_description() -> None:
    root = drawn(plot(1, 2, 9, 9, 3))
    assert root.get("role") == "img"
    named = [root.find(f".//*[@id='{i}']") for i in (root.get("aria-labelledby") or "").split()]
    assert [e.text for e in named if e is not None] == [
        "error_rate in %",
        "Over the 10 min to 10:10 UTC: last 3 %, lowest 1 %, highest 9 %. Rule > 5: broken 10:02:00 to 10:04:00.",
    ]


def test_a_breach_is_shaded_where_it_was() -> None:
    assert breaches(plot(1, 9, 9, 1, 6, 1)) == [
        (T0 + STEP, T0 + STEP * 3),
        (T0 + STEP * 4, T0 + STEP * 5),
    ]
    root = drawn(plot(1, 9, 9, 1))
    (shade,) = [e for e in root.iter() if e.get("class") == "breach"]
    assert float(shade.get("width", 0)) == pytest.approx(2 / 10 * (460 - 46 - 10), rel=0.01)
    below = Threshold("<", 100.0, "< 100")
    assert len(breaches(plot(100, 50, 100, thresholds=(below,)))) == 1
    assert breaches(plot(1, 2)) == []


def test_a_gap_is_a_gap() -> None:
    assert classes(drawn(plot(1, 2, 3, 2))).count("line") == 1
    gaps = plot(1, 2, 3, None, None, None, None, 2, 2, None, None, None, None, 1)
    assert classes(drawn(gaps)).count("line") == 2
    assert classes(drawn(gaps)).count("dot-alone") == 1
    assert "2 gaps without data" in chart(gaps).says


def test_no_data_says_so() -> None:
    made = chart(plot())
    assert made.says == "No data in the 10 min to 10:10 UTC." and made.rows == ()
    assert "no data" in made.svg


def test_marks_say_what_happened() -> None:
    marks = [
        Mark(T0 + STEP, "deploy", "deployment 43"),
        Mark(T0 + STEP * 2, "alert", "alert High"),
        Mark(T0 - STEP, "x", ""),
    ]
    root = drawn(plot(1, 2, 3, marks=marks))
    assert [c for c in classes(root) if c.startswith("mark")] == ["mark deploy", "mark alert"]
    assert "10:01:00 deployment 43" in [e.text for e in root.iter() if e.tag.endswith("title")]
    assert "deployment 43 at 10:01:00." in chart(plot(1, 2, marks=marks)).says
    many = [Mark(T0 + timedelta(seconds=n), "alert", "a") for n in range(500)]
    assert classes(drawn(plot(1, 2, marks=many))).count("mark alert") == MARKS


def test_text_from_outside_stays_text() -> None:
    hostile = '<script>alert(1)</script>" onload="x\u202e'
    made = plot(
        1, 2, title=hostile, marks=[Mark(T0 + STEP, hostile, hostile)], thresholds=(replace(ABOVE, word=hostile),)
    )
    svg = chart(made).svg
    root = ElementTree.fromstring(svg)
    assert not [e for e in root.iter() if e.tag.lower().endswith("script") or e.get("onload")]
    assert "style=" not in svg and "\u202e" not in svg
    assert {c for c in classes(root) if c.startswith("mark")} == {"mark event"}


def test_what_is_long_is_drawn_coarser_and_keeps_its_extremes() -> None:
    values = [1.0] * 2000
    values[777] = 90.0
    made = plot(*values)
    root = drawn(made)
    points = [e.get("points", "").split() for e in root.iter() if e.get("class") == "line"]
    assert sum(len(p) for p in points) <= POINTS + 1
    assert "band" in classes(root) and "highest 90 %" in chart(made).says
    assert len(chart(made).rows) == ROWS and sum(row.breach for row in chart(made).rows) == 1


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0, "%", "0 %"), (0.416, "%", "0.416 %"), (12.34, "ms", "12.3 ms"), (1234.5, "ms", "1234 ms"),
     (45000, "", "45k"), (3.4e9, "bytes", "3.4 GB"), (512, "bytes", "512 B"), (1.4e6, "bytes/s", "1.4 MB/s"),
     (7e12, "x", "7T x")],
)  # fmt: skip
def test_figures_for_people(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


@given(st.floats(1e-9, 1e15))
def test_a_nice_step_is_a_little_larger(size: float) -> None:
    assert size * (1 - 1e-6) <= nice(size) <= size * 2.5 * (1 + 1e-6)


@given(st.integers(1, 40 * 86400))
def test_times_are_few_and_inside(seconds: int) -> None:
    found = times(T0, T0 + timedelta(seconds=seconds))
    assert len(found) <= 7
    assert all(T0 <= at <= T0 + timedelta(seconds=seconds) for at in found)


VALUES = st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), max_size=40)


def test_a_share_far_below_zero_has_few_lines() -> None:
    root = drawn(plot(-1e12, 50.0, unit="%"))
    assert len([e for e in root.iter() if e.get("class") == "grid"]) < 30


@given(VALUES, st.floats(-1e9, 1e9), st.sampled_from(["%", "bytes", "ms"]))
def test_whatever_the_values_it_is_an_image_inside_its_frame(
    values: list[float | None], bound: float, unit: str
) -> None:
    root = drawn(plot(*values, unit=unit, thresholds=(Threshold(">", bound, figure(bound)),)))
    place: Callable[[str], float] = float
    for element in root.iter():
        for name in ("y", "y1", "y2", "cy"):
            if element.get(name):
                assert -20 <= place(element.get(name, "0")) <= 200
        for pair in element.get("points", "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 460 and 0 <= y <= 180
