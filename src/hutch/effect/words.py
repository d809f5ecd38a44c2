"""The words of a shell command as bash would make them, as far as that can be known beforehand."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

OPAQUE = "\0"
"""Stands in a word's text for what is only known when the command runs."""

_BARE = re.compile(r"(?:\\[^\n]|[\w@%+=:,./^~!#?*\[\]{}-])+")
_LITERAL = re.compile(r"[A-Za-z0-9@+=:,./_-]+")
_IN_DOUBLE = re.compile(r"\\(\n|[\"\\$`])")
_NAMES = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::?-(?:[\w./:@%+,][\w./:@%+,=-]*)?)?|[0-9?#$]", re.ASCII)
SHELLS_OWN = re.compile(r"_|IFS|(OLD)?PWD|DIRSTACK|REPLY|OPTARG|MAPFILE|FUNCNAME|(BASH|COMP|READLINE|COPROC)\w*")
"""Variables that the shell itself sets, to values of any number of words."""


def plain_bytes(text: str) -> bytes:
    """``text`` for the parser, each character past ASCII as ``%00e9%``: its scanner crashes the process on some.

    To bash they are ordinary letters of a word, and so is the sign put in their place.
    """
    if text.isascii():
        return text.encode("ascii")
    return re.sub(r"[^\x00-\x7f]", lambda m: f"%{ord(m.group()):06x}%", text).encode("ascii")


def _restored(text: str) -> str:
    """The characters that :func:`plain_bytes` replaced; never one that means something to a shell."""
    return re.sub(r"%([0-9a-f]{6})%", _character, text) if "%" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match.group(1), 16)
    return chr(code) if 0x80 <= code <= sys.maxunicode else match.group()


class Unknown(ValueError):
    """The text has a construct whose effect cannot be proven; the message names it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One argument. ``hostile``: it may turn out to be a flag, or several arguments.

    ``names`` are the variables in it. A variable from outside the text counts as one argument
    that is no flag: values are put in as single quoted words. One that the shell sets itself (``$_``) does not.
    """

    text: str
    hostile: bool = False
    names: tuple[str, ...] = ()

    @property
    def static(self) -> bool:
        """Whether the whole text is known."""
        return OPAQUE not in self.text and not self.hostile

    @property
    def globbed(self) -> bool:
        """Whether the unknown part comes of a pattern of file names: what stands after it may be kept as it is."""
        return OPAQUE in self.text and not self.names

    def shown(self) -> str:
        """For people: unknown parts as an ellipsis."""
        return self.text.replace(OPAQUE, "…")


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    quoted: bool = True
    output: bool = False  # of a command: nothing is known about it
    names: tuple[str, ...] = ()


Substitution = Callable[[Node], None]
"""Told of each command substitution, so that its commands are judged too."""


def read_word(node: Node, substituted: Substitution) -> Word:
    """The word that ``node`` is. Raises :class:`Unknown`."""
    plain = _plain(node)
    return Word(plain) if plain else _composed(node, substituted)


def _plain(node: Node) -> str:
    """The text of a word that is nothing but letters, figures and marks without a meaning; empty for any other."""
    if node.type == "command_name" and node.child_count == 1:
        node = node.children[0]
    text = (node.text or b"").decode("utf-8", "replace") if node.type in ("word", "number") else ""
    return text if _LITERAL.fullmatch(text) else ""


def _composed(node: Node, substituted: Substitution) -> Word:
    pieces = _pieces(node, substituted)
    text = "".join(piece.text for piece in pieces)
    bare = "".join(piece.text if not piece.quoted else "'" for piece in pieces)
    inside = bare[bare.find("{") + 1 : bare.rfind("}")] if "{" in bare and "}" in bare else ""
    if "," in inside or ".." in inside:
        raise Unknown("a brace expansion")
    if any(not (c.isascii() or c.isalnum()) for c in _restored(bare)):
        raise Unknown("a sign that is no letter outside quotes")
    names = tuple(name for piece in pieces for name in piece.names)
    hostile = any(p.output and (not p.quoted or i == 0) for i, p in enumerate(pieces))
    if text[:1] == OPAQUE and text.lstrip(OPAQUE).startswith("-"):
        hostile = True  # an empty variable would leave a flag
    glob = _glob_at(pieces)
    if glob is None:
        return Word(_restored(text), hostile, names)
    lone_class = re.fullmatch(r"\[[^\]]*\]", text) is not None
    return Word(_restored(text[:glob]) + OPAQUE, hostile or (glob == 0 and not lone_class), names)


def _glob_at(pieces: list[_Piece]) -> int | None:
    at = 0
    for piece in pieces:
        found = None if piece.quoted else re.search(r"[*?]|\[(?=[^\]]+\])", piece.text)
        if found:
            return at + found.start()
        at += len(piece.text)
    joined = "".join(p.text for p in pieces if not p.quoted)
    return joined.index("[") if re.search(r"\[[^\]]+\]", joined) else None


def _pieces(node: Node, substituted: Substitution) -> list[_Piece]:
    reader = _READERS.get(node.type)
    if reader is None:
        raise Unknown(f"{_KINDS.get(node.type, node.type.replace('_', ' '))} in an argument")
    return reader(node, substituted)


def source(node: Node) -> str:
    """The node's own text."""
    return (node.text or b"").decode("utf-8", "replace")


def _bare(node: Node, _: Substitution) -> list[_Piece]:
    text = source(node)
    if not _BARE.fullmatch(text):
        raise Unknown(f"an argument that cannot be read: {text[:40]!r}")
    parts = re.findall(r"\\.|[^\\]+", text)
    return [_Piece(p[1:]) if p[0] == "\\" else _Piece(p, quoted=False) for p in parts]


def _raw(node: Node, _: Substitution) -> list[_Piece]:
    return [_Piece(source(node)[1:-1])]


def _double(node: Node, substituted: Substitution) -> list[_Piece]:
    text = source(node)
    if not text.startswith('"') or not text.endswith('"'):
        raise Unknown("a translated string")
    if "\\\n" in text and "$" in text:
        raise Unknown("an expansion over a continued line")
    pieces: list[_Piece] = [_Piece("")]
    at = node.start_byte + 1
    for child in node.named_children:
        pieces.append(_content(node, at, child.start_byte))
        pieces.extend([_content(node, child.start_byte, child.end_byte)] if child.type == "string_content"
                      else [_quoted(p) for p in _pieces(child, substituted)])  # fmt: skip
        at = child.end_byte
    pieces.append(_content(node, at, node.end_byte - 1))
    return [p for p in pieces if p.text] or [_Piece("")]


def _content(node: Node, start: int, end: int) -> _Piece:
    raw = (node.text or b"")[start - node.start_byte : end - node.start_byte].decode("utf-8", "replace")
    if re.search(r"(?<!\\)(?:\\\\)*[`]|(?<!\\)(?:\\\\)*\$[\w({]|(?<!\\)(?:\\\\)*\"", raw):
        raise Unknown("an expansion that cannot be read")
    return _Piece(_IN_DOUBLE.sub(lambda m: "" if m.group(1) == "\n" else m.group(1), raw))


def _quoted(piece: _Piece) -> _Piece:
    return _Piece(piece.text, True, piece.output, piece.names)


def _variable(node: Node, _: Substitution) -> list[_Piece]:
    name = source(node).removeprefix("$").removeprefix("{").removesuffix("}")
    match = _NAMES.fullmatch(name)
    if not match:
        raise Unknown(f"the expansion {source(node)[:40]}")
    name = match.group(1) or name
    if SHELLS_OWN.fullmatch(name):
        return [_Piece(OPAQUE, quoted=False, output=True, names=(name,))]
    return [_Piece(OPAQUE, True, False, (name,))]


def _output(node: Node, substituted: Substitution) -> list[_Piece]:
    substituted(node)
    return [_Piece(OPAQUE, quoted=False, output=True)]


def _process(node: Node, substituted: Substitution) -> list[_Piece]:
    if not source(node).startswith("<("):
        raise Unknown("a process that is written to")
    substituted(node)
    return [_Piece(OPAQUE)]


def _joined(node: Node, substituted: Substitution) -> list[_Piece]:
    end = node.start_byte
    for child in node.children:
        if child.start_byte != end:
            raise Unknown("a word that cannot be read")
        end = child.end_byte
    return [piece for child in node.children for piece in _pieces(child, substituted)]


_READERS: dict[str, Callable[[Node, Substitution], list[_Piece]]] = {
    "word": _bare,
    "number": _bare,
    "test_operator": _bare,
    "raw_string": _raw,
    "string": _double,
    "simple_expansion": _variable,
    "expansion": _variable,
    "command_substitution": _output,
    "process_substitution": _process,
    "concatenation": _joined,
    "command_name": _joined,
}
_KINDS = {
    "ansi_c_string": "a $'…' string",
    "translated_string": "a translated string",
    "arithmetic_expansion": "arithmetic",
    "brace_expression": "a brace expansion",
}
