"""Measures the sizes of src and fails where one is past what ``tools/ratchet.toml`` records."""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "tools" / "ratchet.toml"
CEILING = {"file_lines": 500, "function_lines": 60, "import_cycles": 0, "broad_excepts": 0}
"""What no record may exceed, whatever it says."""
AIM = 400
"""The length in lines at which a file should have been split."""
BLANK = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
BROAD = {"Exception", "BaseException"}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed file of src; ``name`` is its dotted name, a package's for its ``__init__``."""

    name: str
    path: str
    text: str
    tree: ast.Module
    package: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure and where it was found."""

    value: float
    where: str = ""


def modules(src: Path) -> list[Module]:
    """Every Python file below ``src``, parsed."""
    return [_module(src, path) for path in sorted(src.rglob("*.py"))]


def _module(src: Path, path: Path) -> Module:
    parts = path.relative_to(src).with_suffix("").parts
    package = parts[-1] == "__init__"
    text = path.read_text()
    name = ".".join(parts[:-1] if package else parts)
    return Module(name, path.relative_to(src.parent).as_posix(), text, ast.parse(text), package)


def measure(found: list[Module]) -> dict[str, Figure]:
    """All figures of these modules."""
    sizes = [Figure(m.text.count("\n"), m.path) for m in found]
    functions = [figure for m in found for figure in function_sizes(m)]
    cycle = next(cycles(imports(found)), ())
    broad = [f"{m.path}:{line}" for m in found for line in broad_excepts(m.tree)]
    long = [f.where for f in sizes if f.value > AIM]
    return {
        "file_lines": largest(sizes),
        "files_past_aim": Figure(len(long), ", ".join(long)),
        "function_lines": largest(functions),
        "median_function_lines": Figure(median([f.value for f in functions]) if functions else 0),
        "import_cycles": Figure(1 if cycle else 0, " -> ".join(cycle)),
        "broad_excepts": Figure(len(broad), ", ".join(broad)),
    }


def largest(figures: Iterable[Figure]) -> Figure:
    """The greatest of the figures; zero where there are none."""
    return max(figures, key=lambda f: f.value, default=Figure(0))


def function_sizes(module: Module) -> Iterator[Figure]:
    """The lines of code of every function: without docstring, comments and blank lines."""
    code = _code_lines(module.text)
    for node in ast.walk(module.tree):
        if isinstance(node, FunctionNode):
            lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) & code
            yield Figure(len(lines - _docstring(node)), f"{module.path}:{node.lineno} {node.name}")


def _code_lines(text: str) -> set[int]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {line for t in tokens if t.type not in BLANK for line in range(t.start[0], t.end[0] + 1)}


def _docstring(node: FunctionNode) -> set[int]:
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return set()
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))


def broad_excepts(tree: ast.Module) -> list[int]:
    """The lines of handlers that would swallow anything."""
    handlers = [n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler)]
    return [h.lineno for h in handlers if h.type is None or _names(h.type) & BROAD]


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def imports(found: list[Module]) -> dict[str, set[str]]:
    """Which module of ours imports which other, wherever in it the import stands."""
    names = {m.name for m in found}
    return {m.name: {t for t in _targets(m, names) if t != m.name} for m in found}


def _targets(module: Module, names: set[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name in names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            dotted = [f"{base}.{a.name}" for a in node.names]
            yield from (d if d in names else base for d in dotted if d in names or base in names)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    up = node.level - 1 if module.package else node.level
    parts = module.name.split(".")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def cycles(graph: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    """The import cycles that a depth-first walk meets, each as the path that comes back to its start."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if name in path:
            yield (*path[path.index(name) :], name)
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                yield from walk(target, (*path, name))
            done.add(name)

    for name in sorted(graph):
        yield from walk(name, ())


def complaints(figures: Mapping[str, Figure], most: Mapping[str, float]) -> list[str]:
    """One line for each figure past its record, and for each record past the ceiling."""
    raised = [
        f"tools/ratchet.toml: {k} may not be past {limit}" for k, limit in CEILING.items() if most.get(k, limit) > limit
    ]
    past = [f"{k} is {f.value:g}, at most {most[k]:g}: {f.where}" for k, f in figures.items() if f.value > most[k]]
    return raised + past


def tightened(text: str, figures: Mapping[str, Figure]) -> str:
    """The record with every figure lowered to what was measured; none is raised."""

    def lower(match: re.Match[str]) -> str:
        now = figures[match["name"]].value
        return f"{match['name']} = {min(float(match['most']), now):g}"

    return re.sub(r"^(?P<name>\w+) = (?P<most>[\d.]+)", lower, text, flags=re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Exit code 0 when every figure is within its record, 3 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tighten", action="store_true", help="lower the recorded figures to what is there")
    options = parser.parse_args(arguments)
    found = modules(ROOT / "src")
    figures = measure(found)
    wrong = complaints(figures, tomllib.loads(RECORD.read_text())["most"])
    if options.tighten and not wrong:
        RECORD.write_text(tightened(RECORD.read_text(), figures))
    said = ", ".join(f"{name.replace('_', ' ')} {figure.value:g}" for name, figure in figures.items())
    print("\n".join(f"ratchet: {w}" for w in wrong) or f"ratchet: {len(found)} files; {said}")
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
