"""Markdown text -> the marks that matter, in document order: headings, bold labels, fenced blocks.

Block structure is markdown-it's. Inline parsing is left out except for headings: it is the costly half, and bold
labels are told by their first characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hutch.runbook.errors import RunbookError
from hutch.runbook.words import read_title, role_of

LONGEST_LABEL = 12
"""Words; a longer bold paragraph is emphasis, not a label."""

LONGEST_HEADING = 1000
"""Characters of a heading that are read as inline Markdown; what is longer is taken as it stands."""


class Kind(Enum):
    """What a mark marks."""

    HEADING = "heading"
    LABEL = "label"
    BLOCK = "block"
    LINK = "link"  # a paragraph that is a link to a runbook: its text is the title, its address the info
    CLOSE = "close"  # the end of a list or quote: labels inside it end there


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark. ``line`` and ``end`` (exclusive) count from 0; ``first`` is the first line of a block's content.

    ``level`` is a heading's 1…6; inside lists and quotes, and for labels, the depth of nesting.
    """

    kind: Kind
    line: int
    end: int
    level: int = 0
    title: str = ""
    info: str = ""
    text: str = ""
    first: int = 0
    fenced: bool = False


DEEPEST = 100
"""Levels of blocks that are read (a list is two of them). Where lists go deeper the parser drops all that follows,
statements too; where quotes do, what stands in them. Such a document is refused."""

_TOO_DEEP = {"list_item_open": "lists", "blockquote_open": "quotes"}
_BLOCKS = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).disable(["inline", "text_join"])
_INLINE = MarkdownIt("commonmark")
_BOLD = re.compile(r"^(\*\*|__)(?P<title>(?:(?!\1).){1,200})\1[ \t]*(?P<colon>:?)[ \t]*(?P<rest>.*)$", re.DOTALL)
_SHORTCODE = re.compile(
    r"""\{\{[<%]\s*/?(?:heading\s+"(?P<words>[^"{}]{0,80})"|\w[^{}]{0,200}?\btext="(?P<text>[^"{}]{0,80})"[^{}]{0,200}?"""
    r"""|[\w/-][^{}]{0,300}?)\s*[%>]\}\}"""
)
_PLAIN_LABEL = re.compile(r"(?P<mark>[*_]?)(?P<title>[^\W\d_a-z](?:[^\n:*_.]){1,40})(?P<colon>:?)(?P=mark)(?P<last>:?)")
_LINK = re.compile(
    r"(?:(?:first|then|next|now|finally)?,?[ ]*(?:follow|run|use|execute|perform|do|start|continue with|go to)?"
    r"(?:[ ]+the)?(?:[ ]+runbook)?:?[ ]+)?"
    r"\[(?P<text>[^\[\]\n]{1,200})\]\((?P<address>(?:[^\s()<>#:]{1,300}\.(?:md|markdown))?(?:#[^\s()<>]{1,200})?)\)[.;!]?",
    re.IGNORECASE,
)
_CUSTOM_ANCHOR = re.compile(r"\{#[\w-]+\}")


def _not_too_deep(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.level + 1 >= DEEPEST and token.type in _TOO_DEEP:
            line = token.map[0] + 1 if token.map else 0
            raise RunbookError(f"{_TOO_DEEP[token.type]} are nested too deep to be read; make them flatter", line)


def marks(text: str, lines: Sequence[str]) -> Iterator[Mark]:
    """The marks of ``text``, whose line ends are ``\\n`` and whose lines are ``lines``.

    Raises :class:`RunbookError` for a document that is nested too deep.
    """
    tokens = _BLOCKS.parse(text)
    _not_too_deep(tokens)
    holders = _items_with_blocks(tokens)
    inside: list[int] = []
    for at, token in enumerate(tokens):
        match token.type:
            case "list_item_open" | "blockquote_open":
                inside.append(at)
            case "list_item_close" | "blockquote_close":
                _, end = _span(tokens[inside.pop()])
                yield Mark(Kind.CLOSE, end, end, token.level)
            case "heading_open":
                yield _heading(token, tokens[at + 1])
            case "paragraph_open":
                yield from _paragraph(token, tokens[at + 1].content, bool(inside), not inside or inside[-1] in holders)
            case "fence" | "code_block":
                yield _block(token, lines)


def _items_with_blocks(tokens: Sequence[Token]) -> frozenset[int]:
    """The list items and quotes that directly hold a block: only those can carry a label."""
    inside: list[int] = []
    holders = set()
    for at, token in enumerate(tokens):
        if token.type in {"list_item_open", "blockquote_open"}:
            inside.append(at)
        elif token.type in {"list_item_close", "blockquote_close"}:
            inside.pop()
        elif token.type in {"fence", "code_block"} and inside:
            holders.add(inside[-1])
    return frozenset(holders)


def _heading(token: Token, inline: Token) -> Mark:
    start, end = _span(token)
    title = _without_anchor(plain(_without_shortcodes(inline.content)).strip())
    if token.level:
        return Mark(Kind.LABEL, start, end, token.level, title)
    return Mark(Kind.HEADING, start, end, int(token.tag[1]), title)


def _without_shortcodes(title: str) -> str:
    """Hugo's ``{{% heading "whatsnext" %}}`` and ``{{< glossary_tooltip text="Pods" >}}`` as the words that they hold;
    those without any leave nothing. A title of nothing else keeps them."""
    shown = _SHORTCODE.sub(lambda found: found["words"] or found["text"] or "", title) if "{{" in title else title
    return " ".join(shown.split()) or title


def _without_anchor(title: str) -> str:
    """``Restore {#restore-now}`` without the anchor that other tools read there."""
    at = title.rfind("{#") if title.endswith("}") else -1
    return title[:at].rstrip() if at >= 0 and _CUSTOM_ANCHOR.fullmatch(title, at) else title


def _paragraph(token: Token, text: str, listed: bool, holds: bool) -> Iterator[Mark]:
    """A label, where one may stand (``holds``), or a link to a runbook."""
    if len(text) <= LONGEST_HEADING and text.endswith((")", ").", ");", ")!")) and (found := _LINK.fullmatch(text)):
        if found["address"]:
            line = _span(token)[0]
            yield Mark(Kind.LINK, line, line, token.level, plain(found["text"]), found["address"], text)
    elif holds and text[:2] in {"**", "__"}:
        yield from _label(token, text, listed=listed)
    elif holds and not listed:
        yield from _plain_label(token, text)


def _plain_label(token: Token, text: str) -> Iterator[Mark]:
    """A line that is nothing but a role ("Symptoms:", "*Mitigation*"), of at most two words."""
    found = _PLAIN_LABEL.fullmatch(text) if len(text) <= LONGEST_LABEL * 4 else None
    if found and (found["mark"] or found["colon"] or found["last"]):
        title = found["title"].strip()
        if len(title.split()) <= 2 and role_of(title):
            yield Mark(Kind.LABEL, *_span(token), token.level, title)


def _label(token: Token, text: str, *, listed: bool) -> Iterator[Mark]:
    """A paragraph that is bold as a whole, or begins with a bold role, step or option and a colon."""
    found = _BOLD.match(text)
    if not found:
        return
    raw, rest = found["title"].strip(), found["rest"]
    title = plain(raw.removesuffix(":")).strip()
    if rest and (listed or not (raw.endswith(":") or found["colon"]) or not _speaks(title)):
        return
    if title and not title.endswith(".") and len(title.split()) <= LONGEST_LABEL:
        start, end = _span(token)
        yield Mark(Kind.LABEL, start, start if rest else end, token.level, title)


def _speaks(title: str) -> bool:
    return read_title(title).kind in {"step", "option"} or role_of(title) is not None


def _block(token: Token, lines: Sequence[str]) -> Mark:
    start, end = _span(token)
    if token.type == "code_block":
        return Mark(Kind.BLOCK, start, end, token.level, text=token.content, first=start)
    # markdown-it unescapes the info string; annotations need it as it was written
    info = lines[start].partition(token.markup)[2].lstrip(token.markup[0]).strip()
    return Mark(Kind.BLOCK, start, end, token.level, info=info, text=token.content, first=start + 1, fenced=True)


def _span(token: Token) -> tuple[int, int]:
    if token.map is None:  # markdown-it maps every block token that it opens
        return 0, 0
    return token.map[0], token.map[1]


def plain(text: str) -> str:
    """Inline Markdown as the words that a reader sees."""
    if len(text) > LONGEST_HEADING or not re.search(r"[*_`\[\]<&\\!]", text):
        return text.replace("\n", " ")
    return "".join(_words(_INLINE.parseInline(text)[0].children or []))


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            yield " "
        elif token.type == "image":
            yield from _words(token.children or [])
        elif token.type != "html_inline":
            yield token.content
