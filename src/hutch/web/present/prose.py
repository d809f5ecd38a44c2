"""A document's Markdown as HTML that a page may hold, whatever the document says.

Three walls. Raw HTML is cleaned piece by piece (each block, each line of text), so that nothing which a document opens
can reach past itself, around a step's card or out of an attribute. The whole is cleaned once more. And the page's
policy forbids scripts, frames and foreign addresses anyway.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from hutch.runbook.blocks import DEEPEST
from hutch.runbook.visible import visible

PREFIX = "doc-"
"""Before every id that a document names: none of the page's own begins so."""

LONGEST = 20_000
"""Characters of one paragraph, or one piece of raw HTML, that are read as such; longer ones are shown as plain text."""

INLINE = frozenset(
    {"a", "abbr", "b", "br", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "samp", "small", "strong"}
    | {"sub", "sup", "u", "var", "wbr"}
)
BLOCK = frozenset(
    {"blockquote", "dd", "details", "dl", "dt", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "summary"}
    | {"table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
"""The only elements of a document that come to the page; of any other the words stay."""

ATTRIBUTES: Mapping[str, set[str]] = {
    "a": {"href", "id", "title"},
    "abbr": {"title"},
    "ol": {"start"},
    **{h: {"id"} for h in ("h2", "h3", "h4", "h5", "h6")},
}
"""Their only attributes; no style, no name, no event."""

CLASSES: Mapping[str, set[str]] = {
    **{cell: {"right", "center"} for cell in ("td", "th")},
    "small": {"role"},
}
SCHEMES = {"http", "https", "mailto"}
EMPTIED = {"script", "style", "template", "noscript", "title", "textarea", "iframe", "object", "svg", "math"}
"""Elements whose words go too: they are no prose."""

_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])
_RENDERER = RendererHTML()
_ANCHOR = re.compile(r"[ \t]*\{#[\w-]+\}$")
"""An anchor that some renderers take from a heading; it is not shown, as it is not part of the title."""

_ALIGN = re.compile(r"text-align:(right|center)")

Address = Callable[[str], str]
"""Where a relative link of the document leads on our pages; empty where it leads nowhere."""


@dataclass(frozen=True, slots=True)
class Html:
    """Prose, ready for the page."""

    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the step of that line stands."""

    line: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a document: ``text`` begins at line ``first`` (from 1).

    ``steps`` are the lines of blocks (and of paragraphs that are links to runbooks) that give way to cards;
    ``anchors`` are those of headings by line, and ``roles`` says what a heading or label was taken for; ``base`` is the
    level of the heading that the page shows as its own, at line ``title`` if the slice begins with it;
    ``references`` are the document's link definitions.
    """

    text: str
    first: int = 1
    steps: frozenset[int] = frozenset()
    roles: Mapping[int, str] = field(default_factory=dict)
    anchors: Mapping[int, str] = field(default_factory=dict)
    base: int = 1
    title: int = 0
    references: Mapping[str, object] = field(default_factory=dict)


def references(text: str) -> Mapping[str, object]:
    """The link definitions of a whole document."""
    if not re.search(r"^[ >]*\[[^\]\n]+\]:", text, re.MULTILINE):
        return {}
    env: dict[str, Mapping[str, object]] = {}
    MarkdownIt("commonmark", {"maxNesting": DEEPEST}).disable(["inline", "text_join"]).parse(text, env)
    return env.get("references", {})


def render(part: Slice, address: Address) -> tuple[Html | Place, ...]:
    """The prose of ``part`` with the places of its steps, in order. No step is lost: one that stands where no block
    was seen comes last."""
    writer = _Writer(part, address)
    marked = writer.whole()
    pieces: list[Html | Place] = []
    for at, piece in enumerate(re.split(rf"<p>{writer.nonce}-(\d+)</p>", marked)):
        if at % 2:
            pieces.append(Place(int(piece)))
        elif piece.strip():
            pieces.append(Html(piece))
    seen = {p.line for p in pieces if isinstance(p, Place)}
    return (*pieces, *(Place(line) for line in sorted(part.steps - seen)))


def plain(text: str) -> str:
    """Markdown as a few words without any markup, for a list."""
    tokens = _MARKDOWN.parseInline(text[:LONGEST])[0].children or []
    return visible("".join(t.content if t.type in ("text", "code_inline") else " " for t in tokens)).strip()


class _Writer:
    """Writes one slice. ``ours`` are the addresses that :data:`Address` gave: only those pass the second cleaning."""

    def __init__(self, part: Slice, address: Address) -> None:
        self.part, self.address = part, address
        self.nonce = f"place-{secrets.token_hex(16)}"
        self.ours: set[str] = set()
        self.inline = self._cleaner(INLINE, self._relative)
        self.block = self._cleaner(INLINE | BLOCK, self._relative)

    def whole(self) -> str:
        """The HTML, with a mark in each step's place."""
        env = {"references": dict(self.part.references)}
        tokens = _MARKDOWN.parse(self.part.text, env)
        written = "".join(self._written(tokens))
        last = self._cleaner(INLINE | BLOCK, lambda url: url if url in self.ours else None)
        return visible(last.clean(written))

    def _cleaner(self, tags: frozenset[str], relative: Callable[[str], str | None]) -> nh3.Cleaner:
        return nh3.Cleaner(
            tags=set(tags),
            attributes={k: v for k, v in ATTRIBUTES.items() if k in tags},
            clean_content_tags=EMPTIED,
            allowed_classes={k: v for k, v in CLASSES.items() if k in tags},
            set_tag_attribute_values={"pre": {"tabindex": "0"}} if "pre" in tags else {},
            url_schemes=SCHEMES,
            url_relative=relative,
            id_prefix=PREFIX,
            link_rel="noopener noreferrer",
        )

    def _relative(self, url: str) -> str | None:
        found = self.address(url)
        if found:
            self.ours.add(found)
        return found or None

    # -------------------------------------------------------------- block by block

    def _written(self, tokens: Sequence[Token]) -> Iterator[str]:
        skip = 0
        for at, token in enumerate(tokens):
            if skip:
                skip -= 1
                continue
            if self._is_step(token):
                yield f"<p>{self.nonce}-{self._line(token)}</p>"
                skip = 0 if token.type in ("fence", "code_block") else 2  # a paragraph: its words and its end
            elif token.type == "heading_open" and self._line(token) == self.part.title:
                skip = 2
            else:
                yield self._one(tokens, at)

    def _line(self, token: Token) -> int:
        return (token.map[0] if token.map else -1) + self.part.first

    def _is_step(self, token: Token) -> bool:
        return token.type in ("fence", "code_block", "paragraph_open") and self._line(token) in self.part.steps

    def _one(self, tokens: Sequence[Token], at: int) -> str:
        token = tokens[at]
        match token.type:
            case "inline":
                return self._words(token) + self._role(token)
            case "html_block":
                return self._raw(token.content, self.block)
            case "fence" | "code_block":
                return _code(token)
            case "heading_open" | "heading_close":
                return self._heading(token)
            case "th_open" | "td_open":
                return _cell(token)
        return _RENDERER.renderToken(tokens, at, _MARKDOWN.options, {})

    def _words(self, token: Token) -> str:
        if len(token.content) > LONGEST:
            return escape(token.content)
        for child in token.children or []:
            if child.type == "text":
                child.content = _ANCHOR.sub("", child.content)
            elif child.type == "image":
                child.type, child.content = "text", f"[picture: {child.content or 'without words'}]"
        return self._raw(_RENDERER.renderInline(token.children or [], _MARKDOWN.options, {}), self.inline)

    def _raw(self, html: str, cleaner: nh3.Cleaner) -> str:
        return cleaner.clean(html) if len(html) <= LONGEST * 4 else f"<pre><code>{escape(html)}</code></pre>"

    def _role(self, token: Token) -> str:
        role = self.part.roles.get(self._line(token), "")
        return f' <small class="role">{escape(role)}</small>' if role else ""

    def _heading(self, token: Token) -> str:
        level = max(2, min(6, int(token.tag[1]) - self.part.base + 1))
        if token.nesting < 0:
            return f"</h{level}>\n"
        anchor = "" if token.level else self.part.anchors.get(self._line(token), "")
        return f'<h{level} id="{escape(PREFIX + anchor)}">' if anchor else f"<h{level}>"


def _code(token: Token) -> str:
    return f"<pre><code>{escape(token.content)}</code></pre>\n"


def _cell(token: Token) -> str:
    found = _ALIGN.search(str(token.attrs.get("style", "")))
    return f'<{token.tag} class="{found[1]}">' if found else f"<{token.tag}>"
