from __future__ import annotations

from pathlib import Path

import ratchet

CODE = '''"""A module."""


def short() -> int:
    """Says one.

    In many words.
    """
    # a comment

    return 1


def swallow() -> None:
    try:
        short()
    except (ValueError, Exception):
        pass
    try:
        short()
    except ValueError:
        pass
'''
MOST = dict.fromkeys(("files_past_aim", "median_function_lines", "import_cycles", "broad_excepts"), 0)


def tree(folder: Path, **files: str) -> list[ratchet.Module]:
    for name, text in files.items():
        path = folder / "src" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return ratchet.modules(folder / "src")


def test_a_function_is_measured_without_docstring_comments_and_blanks(tmp_path: Path) -> None:
    (module,) = tree(tmp_path, one=CODE)
    assert [(f.where.split()[-1], f.value) for f in ratchet.function_sizes(module)] == [("short", 2), ("swallow", 9)]


def test_only_broad_handlers_count(tmp_path: Path) -> None:
    (module,) = tree(tmp_path, one=CODE)
    assert ratchet.broad_excepts(module.tree) == [17]


def test_a_cycle_is_found_through_absolute_and_relative_imports(tmp_path: Path) -> None:
    found = tree(
        tmp_path,
        p__a="from p import b\n",
        p__b="from . import c\n",
        p__c="def f():\n    import p.a\n",
        p__d="import p.a\n",
    )
    assert list(ratchet.cycles(ratchet.imports(found))) == [("p.a", "p.b", "p.c", "p.a")]
    assert ratchet.measure(found)["import_cycles"].value == 1


def test_no_cycle_where_imports_go_one_way(tmp_path: Path) -> None:
    found = tree(tmp_path, p__a="from p import b, c\n", p__b="from p.c import x\n", p__c="x = 1\n")
    assert list(ratchet.cycles(ratchet.imports(found))) == []


def test_a_figure_past_its_record_is_named_with_its_place(tmp_path: Path) -> None:
    figures = ratchet.measure(tree(tmp_path, one=CODE))
    most = {**MOST, "file_lines": 500, "function_lines": 5, "median_function_lines": 9, "broad_excepts": 0}
    figures = {"function_lines": figures["function_lines"], "broad_excepts": ratchet.Figure(0)}
    assert ratchet.complaints(figures, most) == ["function_lines is 9, at most 5: src/one.py:14 swallow"]


def test_a_record_may_not_be_raised_past_the_ceiling() -> None:
    assert ratchet.complaints({}, {"file_lines": 900}) == ["tools/ratchet.toml: file_lines may not be past 500"]


def test_tightening_lowers_and_never_raises() -> None:
    record = "# the most\nfile_lines = 500            # the longest\nbroad_excepts = 0\n"
    figures = {"file_lines": ratchet.Figure(321), "broad_excepts": ratchet.Figure(4)}
    assert (
        ratchet.tightened(record, figures)
        == "# the most\nfile_lines = 321            # the longest\nbroad_excepts = 0\n"
    )
