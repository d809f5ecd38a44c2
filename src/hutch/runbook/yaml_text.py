"""YAML of documents: read as data, or a clear error; never more work than the text is long.

References (``&a`` … ``*a``) are refused: nested, a few lines of them grow beyond any memory once they are written out.
"""

from __future__ import annotations

import re

import yaml

LONGEST = 64 * 1024
"""Characters of one YAML text that becomes values."""


class YamlError(ValueError):
    """``problem`` in a few words; ``line`` counts from 0 in the text."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


class _Plain(yaml.SafeLoader):
    """The safe loader without references."""

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "a reference (*name) is not taken here", mark)
        return super().compose_node(parent, index)  # type: ignore[arg-type]


_SCALAR = r"(?:[A-Za-z0-9_][\w ./%<>=()+-]*|\"[\w ./%<>=()+-]*\")"
_USUAL = re.compile(rf"(?:(?:  ){{0,6}}(?:- )?[a-z_]+:(?: {_SCALAR})?\n|#[ -~]*\n|\n)*", re.ASCII)
"""Lines of ``key: value``, of few levels, and of comments: libyaml reads them the same in a tenth of the time."""

_QUICK: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", _Plain)


def load(text: str) -> object:
    """The value of ``text``. Raises :class:`YamlError`."""
    if len(text) > LONGEST:
        raise YamlError(f"longer than {LONGEST // 1024} kB")
    node = compose(text)
    if node is None:
        return None
    try:
        return _Plain("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _told(error) from None
    except (ValueError, OverflowError, RecursionError) as error:  # dates and numbers that there are not
        raise YamlError(str(error).split("\n", maxsplit=1)[0][:80], node.start_mark.line) from None


def compose(text: str) -> yaml.Node | None:
    """The nodes of ``text``, with their lines; None for an empty one. Raises :class:`YamlError`."""
    usual = _USUAL.fullmatch(text) is not None
    try:
        return (_quickly(text) if usual else None) or yaml.compose(text, Loader=_Plain)
    except yaml.MarkedYAMLError as error:
        raise _told(error) from None
    except yaml.reader.ReaderError as error:
        raise YamlError("a character is not allowed", text.count("\n", 0, error.position)) from None
    except RecursionError:
        raise YamlError("nested too deep") from None


def _quickly(text: str) -> yaml.Node | None:
    """The nodes of a usual text; None where libyaml finds a fault, which :class:`_Plain` tells in its words."""
    try:
        return yaml.compose(text, Loader=_QUICK)
    except yaml.YAMLError:
        return None


def _told(error: yaml.MarkedYAMLError) -> YamlError:
    return YamlError(error.problem or "not readable", error.problem_mark.line if error.problem_mark else 0)
