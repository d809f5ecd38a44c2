"""Templates of updates: Jinja2 in a sandbox that ends. What a template may do is a list; whatever is not on it is an
error with its line. So a template is data: it calls nothing, repeats only over facts, and its output is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.environment import Template
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

LONGEST, OUTPUT, TURNS = 20_000, 40_000, 2_000
"""Characters of a template, characters that come out, and turns of all its loops together."""

ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.If,
    nodes.For, nodes.Filter, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Test,
)  # fmt: skip
"""Kinds of syntax node. No call, no arithmetic, no assignment, no macro, no import."""

FILTERS = frozenset({"capitalize", "default", "first", "join", "last", "length", "lower", "title", "trim", "upper"})

TESTS = frozenset({"defined", "undefined", "none", "string", "number", "in"})

WORDS: Mapping[type[nodes.Node], str] = {
    nodes.Call: "a call", nodes.Macro: "a macro", nodes.Assign: "a set", nodes.Include: "an include",
    nodes.Import: "an import", nodes.Extends: "an extends", nodes.Mul: "a multiplication", nodes.Add: "an addition",
}  # fmt: skip


class TemplateError(Exception):
    """What is wrong with a template, and in which line (0: unknown)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


def render(source: str, facts: Mapping[str, object], name: str = "template") -> str:
    """The text that a template makes of these facts. Raises :class:`TemplateError`; ends in any case."""
    if len(source) > LONGEST:
        raise TemplateError(0, f"is longer than {LONGEST} characters")
    try:
        return _run(_compiled(source, name), facts, name)
    except TemplateSyntaxError as error:
        raise TemplateError(error.lineno, error.message or "is no template") from None
    except RecursionError:
        raise TemplateError(0, "is nested too deeply") from None


def _compiled(source: str, name: str) -> Template:
    environment = _environment()
    tree = environment.parse(source, name, name)
    _check(tree)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "bounded", [], [], None, None, lineno=loop.lineno)
    code = environment.compile(tree, name, name)
    return Template.from_code(environment, code, environment.make_globals(None))


def _environment() -> SandboxedEnvironment:
    made = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    made.filters = {k: v for k, v in made.filters.items() if k in FILTERS}
    made.tests = {k: v for k, v in made.tests.items() if k in TESTS}
    made.filters["bounded"] = _counter()
    made.globals = {}
    return made


def _counter() -> Callable[[object], Iterator[Any]]:
    left = TURNS

    def bounded(value: object) -> Iterator[Any]:
        nonlocal left
        if not isinstance(value, list | tuple):
            raise SecurityError("a loop goes over a list of facts only")
        for one in value:
            left -= 1
            if left < 0:
                raise SecurityError(f"its loops go round more than {TURNS} times")
            yield one

    return bounded


def _check(tree: nodes.Template) -> None:
    for node in _all(tree):
        line = getattr(node, "lineno", 0) or 0
        if not isinstance(node, ALLOWED):
            raise TemplateError(line, f"{WORDS.get(type(node), type(node).__name__.lower())} is not allowed here")
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateError(line, "a recursive loop is not allowed here")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise TemplateError(line, f"no filter {node.name!r}; there are: {', '.join(sorted(FILTERS))}")
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise TemplateError(line, f"no test {node.name!r}; there are: {', '.join(sorted(TESTS))}")
        if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            raise TemplateError(line, f"{node.attr!r} is not a fact")


def _all(tree: nodes.Node) -> Iterable[nodes.Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _run(template: Template, facts: Mapping[str, object], name: str) -> str:
    pieces, length = [], 0
    try:
        for piece in template.generate(**facts):
            length += len(piece)
            if length > OUTPUT:
                raise TemplateError(0, f"makes more than {OUTPUT} characters")
            pieces.append(piece)
    except UndefinedError as error:
        raise TemplateError(
            _line(error, name), f"{(error.message or '').replace('is undefined', 'is not a fact')}"
        ) from None
    except (SecurityError, TypeError, ValueError) as error:
        raise TemplateError(_line(error, name), str(error)) from None
    return "".join(pieces)


def _line(error: Exception, name: str) -> int:
    """The line of the template that was under way."""
    found, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == name:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
