"""Outputs on the disk: head and end of each, masked, for their owner alone; the oldest finished runs go first."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hutch.store.outputs import FileOutputs

DONE = {"R-old", "R-older", "R-unknown"}


async def over(run: str) -> bool:
    return run in DONE


def outputs(folder: Path, each: int = 200_000, everything: int = 10**9) -> FileOutputs:
    return FileOutputs(folder / "output", lambda text: text.replace("hunter2-hunter2", "•••"), each, everything, over)


async def said(kept: FileOutputs, run: str, item: str, *pieces: str) -> str:
    output = kept.open(run, item)
    for piece in pieces:
        output.add(piece)
    await output.close()
    path = kept.path(run, item)
    assert output.kept == (path.stat().st_size if path.exists() else 0)
    return path.read_text("utf-8") if path.exists() else ""


async def test_what_is_short_is_kept_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    kept = outputs(tmp_path)
    assert await said(kept, "R-1", "steps.1", "a\n", "hunter2-", "hunter2\n", "ünd\n") == "a\n•••\nünd\n"
    path = kept.path("R-1", "steps.1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert await said(kept, "R-1", "steps.1", "again\n") == "again\n"


async def test_silence_makes_no_file(tmp_path: Path) -> None:
    assert await said(outputs(tmp_path), "R-1", "x") == ""
    assert not (tmp_path / "output").exists()


async def test_of_what_is_long_the_head_and_the_end_are_kept(tmp_path: Path) -> None:
    lines = [f"{i:07d} hunter2-hunter2\n" for i in range(100_000)]
    text = await said(outputs(tmp_path), "R-1", "x", *("".join(lines[i : i + 900]) for i in range(0, 100_000, 900)))
    assert text.startswith("0000000 •••\n0000001 •••\n")
    assert text.endswith("0099998 •••\n0099999 •••\n")
    assert "hunter2" not in text
    head, _, end = text.partition("\n[… ")
    said_left = int(end.partition(" ")[0])
    whole = len("".join(lines))
    shown = sum(len(part.replace("•••", "hunter2-hunter2")) for part in (head, end.partition("…]\n")[2]))
    assert said_left + shown == whole
    assert len(text.encode()) < 200_000 + 70_000


async def test_a_long_line_without_an_end_is_bounded_too(tmp_path: Path) -> None:
    text = await said(outputs(tmp_path), "R-1", "x", *["x" * 65536] * 200)
    assert 100_000 < len(text) < 300_000


async def test_a_key_whose_beginning_was_left_out_does_not_show_its_end(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 1000 + "\n-----END PRIVATE KEY-----\n"

    def mask(text: str) -> str:
        return text.replace(key, "•••")

    kept = FileOutputs(tmp_path / "output", mask, 200_000, 10**9, over)
    for shift in range(0, 60_000, 1500):
        text = await said(kept, "R-1", "x", *["n\n" * 5000] * 40, key, "e\n" * shift)
        assert "QUJD" not in text, shift


@pytest.mark.parametrize("item", ["a/b", "../../etc/x", "", ".", "..", "a" * 300, "ü/1", "a\0b"])
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, item: str) -> None:
    kept = outputs(tmp_path)
    assert await said(kept, "R-1", item, "a\n") == "a\n"
    assert await said(kept, item or "R", "x", "a\n") == "a\n"
    assert kept.path("R-1", item).resolve().is_relative_to(tmp_path / "output" / "R-1")
    assert kept.path("R-1", f"{item}/").name != kept.path("R-1", item).name


async def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    kept = outputs(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    kept.path("R-1", "x").parent.mkdir(parents=True)
    kept.path("R-1", "x").symlink_to(victim)
    output = kept.open("R-1", "x")
    output.add("a\n")
    await output.close()
    assert (victim.read_text(), output.kept) == ("mine", 0)


async def test_past_the_bound_finished_runs_go_first_the_oldest_before(tmp_path: Path) -> None:
    kept = outputs(tmp_path, everything=35_000)
    for age, run in enumerate(["R-waits", "R-old", "R-older", "R-new"]):
        await said(kept, run, "x", "n\n" * 5000)
        os.utime(kept.path(run, "x"), (age, 10 if run == "R-older" else 20 + age))
    assert sorted(p.name for p in (tmp_path / "output").iterdir()) == ["R-new", "R-old", "R-waits"]
    await said(kept, "R-newest", "x", "n\n" * 5000)
    assert sorted(p.name for p in (tmp_path / "output").iterdir()) == ["R-new", "R-newest", "R-waits"]


async def test_where_none_has_finished_single_ones_go_but_none_that_is_written(tmp_path: Path) -> None:
    kept = outputs(tmp_path, everything=82_000)
    under_way = kept.open("R-a", "one")
    under_way.add("n\n" * 40_000)
    for number, run in enumerate(["R-b", "R-c", "R-d"]):
        await said(kept, run, "x", "n\n" * 4000)
        os.utime(kept.path(run, "x"), (number + 1, number + 1))
    left = sorted(str(p.relative_to(tmp_path / "output")) for p in (tmp_path / "output").glob("*/*"))
    assert "R-a/one.txt" in left and "R-b/x.txt" not in left
    await under_way.close()


async def test_a_disk_that_refuses_costs_only_the_output(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file where the folder would be")
    output = outputs(tmp_path).open("R-1", "x")
    output.add("a\n")
    await output.close()
    assert output.kept == 0
