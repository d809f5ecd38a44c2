"""The tree of a shell text, walked default-deny: node kinds that only join commands, commands, redirections.

tree-sitter's reading is believed only where it cannot differ from bash's: between the parts of a command there
may be nothing but blanks and continued lines, and each word has only characters whose meaning is plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from hutch.effect.arguments import Stdin
from hutch.effect.argv import holds_secret, names_secret
from hutch.effect.hooks import judge_variable
from hutch.effect.tables import words as table_words
from hutch.effect.words import OPAQUE, Unknown, Word, read_word, source
from hutch.model.effect import Effect, Verdict, worst

_QUIET = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_SAFE_VALUE = re.compile(r"[\w./:@%+,][\w./:@%+,=-]*")
_OWN_NAME = re.compile(r"(?!.*proxy)[a-z_][a-z0-9_]*")
_DEEP = 60

Run = Callable[[Sequence[Word], Stdin], Verdict]
"""Judges a command by its words and what it reads on its standard input."""

_Judge = Callable[["Walk", Node, Stdin], Verdict]
_JOINTS: dict[str, frozenset[str]] = {
    "program": frozenset({";", "\n"}),
    "list": frozenset({"&&", "||"}),
    "pipeline": frozenset({"|", "|&"}),
    "negated_command": frozenset({"!"}),
    "subshell": frozenset({"(", ")", ";", "\n"}),
    "compound_statement": frozenset({"{", "}", ";", "\n"}),
    "do_group": frozenset({"do", "done", ";", "\n"}),
    "if_statement": frozenset({"if", "then", "fi", ";", "\n"}),
    "elif_clause": frozenset({"elif", "then", ";", "\n"}),
    "else_clause": frozenset({"else", ";", "\n"}),
    "while_statement": frozenset({"while", "until", ";", "\n"}),
    "command_substitution": frozenset({"$(", "`", ")", ";", "\n"}),
    "process_substitution": frozenset({"<(", ")", ";", "\n"}),
}
"""The node kinds that only join commands, and the marks that may stand in them (``&`` is in none)."""


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)


@dataclass(slots=True)
class Walk:
    """One reading of a text; ``run`` judges a command by its words."""

    text: bytes
    run: Run
    depth: int = 0
    parts: list[Verdict] = field(default_factory=list)  # of the substitutions in the command being read

    def judge(self, node: Node, stdin: Stdin) -> Verdict:
        """The effect of ``node``; what is not known to be harmless in shape is a change."""
        if node.type in ("comment", "heredoc_body"):
            return self._comment(node)
        self.depth += 1
        try:
            if self.depth > _DEEP:
                return _change("nested too deep to be looked into")
            special = _SPECIAL.get(node.type)
            if special is not None:
                return special(self, node, stdin)
            if node.type in _JOINTS:
                return self._joined(node, stdin)
        except Unknown as odd:
            return self._hidden(node, f"holds {odd}")
        finally:
            self.depth -= 1
        return self._hidden(node, f"holds {_said(node)}, whose effect cannot be proven")

    def _hidden(self, node: Node, why: str) -> Verdict:
        """A change, or worse where a command inside what cannot be proven is known to destroy."""
        inside = [self.judge(c, Stdin()) for c in node.named_children if c.type in _COMMANDS]
        return worst([_change(why), *inside])

    def _comment(self, node: Node) -> Verdict:
        before = self.text[max(node.start_byte - 2, 0) : node.start_byte]
        if before[-1:] not in (b"", b" ", b"\t", b"\n", b";", b"(", b"&", b"|", b")") or before.endswith(b"\\\n"):
            return _change("holds a comment that bash may not take for one")
        return Verdict(Effect.NONE, "a comment")

    def _gaps(self, node: Node, allowed: bytes, between: bytes) -> None:
        """Refuse anything between the parts of ``node`` but blanks (``allowed``) and continued lines.

        Two parts with no mark between them need one of ``between``: what touches is one word to bash.
        """
        at, last = node.start_byte, None
        _honest(node)
        blanks = between != b"\n"
        for child in node.children:
            if last is not None and blanks and self.text[at : child.start_byte] == b" ":  # the usual case
                at, last = child.end_byte, child
                continue
            plain = self.text[at : child.start_byte].replace(b"\\\n", b"")
            apart = any(blank in plain for blank in between.split(b"-"))
            if plain.strip(allowed) or (_touches(last, child) and not apart):
                raise Unknown("a line that cannot be read")
            at, last = child.end_byte, child
        if self.text[at : node.end_byte].strip(allowed):
            raise Unknown("a line that cannot be read")

    def _joined(self, node: Node, stdin: Stdin) -> Verdict:
        self._gaps(node, b" \t\n", b"\n")
        found: list[Verdict] = []
        piped = stdin
        for child in node.children:
            if child.is_named:
                verdict = self.judge(child, piped)
                found.append(verdict)
                piped = _piped(child, verdict) if node.type == "pipeline" and stdin.kind != "file" else stdin
            elif child.type in _KEYWORDS and not self._stands_alone(child):
                found.append(_change(f"holds {child.type!r} that bash may not take for a keyword"))
            elif child.type not in _JOINTS[node.type]:
                found.append(_change("runs in the background" if child.type == "&" else f"holds {child.type!r}"))
        total = worst(found)
        if node.type == "pipeline":
            return replace(total, endless=piped.endless)
        return replace(total, endless=total.endless or _loops_for_ever(node))

    def _stands_alone(self, node: Node) -> bool:
        before = self.text[max(node.start_byte - 1, 0) : node.start_byte]
        after = self.text[node.end_byte : node.end_byte + 1]
        return before in _EDGES and after in _EDGES

    def command(self, node: Node, stdin: Stdin) -> Verdict:
        """A command with its words; redirections before or among them."""
        outer, self.parts = self.parts, []
        try:
            self._gaps(node, b" \t", b" -\t")
            words, extra, found, stdin = self._pieces(node.children, stdin)
            total = worst([*self.parts, self.run([*words, *extra], stdin), *found])
        finally:
            self.parts = outer
        return total

    def redirected(self, node: Node, stdin: Stdin) -> Verdict:
        """A command followed by redirections; tree-sitter takes words after them for their targets."""
        outer, self.parts = self.parts, []
        try:
            self._gaps(node, b" \t\n", b" -\t-\n")
            body = node.child_by_field_name("body")
            rest = [c for c in node.children if c != body]
            words, extra, found, stdin = self._pieces(rest, stdin)
            if body is None:
                total = worst([*found, *([self.run([*words, *extra], stdin)] if words or extra else [])])
            elif body.type == "command":
                inner, more, early, stdin = self._pieces(body.children, stdin)
                self._gaps(body, b" \t", b" -\t")
                total = worst([self.run([*inner, *more, *words, *extra], stdin), *early, *found])
            else:
                refused = [_change("words after a redirection")] if words or extra else []
                # Of which command it is the input is not always plain.
                given = stdin if stdin.kind == "none" else replace(stdin, kind="file", text=None)
                total = worst([self.judge(body, given), *found, *refused])
            total = worst([total, *self.parts])
        finally:
            self.parts = outer
        return total

    def _pieces(self, nodes: Sequence[Node], stdin: Stdin) -> tuple[list[Word], list[Word], list[Verdict], Stdin]:
        words: list[Word] = []
        extra: list[Word] = []
        found: list[Verdict] = []
        for child in nodes:
            if child.type == "variable_assignment":
                found.append(self._set(child))
            elif child.type in _REDIRECTS:
                verdict, stdin, more = self._redirect(child, stdin)
                found.append(verdict)
                extra.extend(more)
            else:
                words.append(self.word(child))
        return words, extra, found, stdin

    def word(self, node: Node) -> Word:
        """The word, its substitutions judged into ``parts``."""
        return read_word(node, lambda inner: self.parts.append(self.judge(inner, Stdin())))

    def _redirect(self, node: Node, stdin: Stdin) -> tuple[Verdict, Stdin, list[Word]]:
        if node.type == "heredoc_redirect":
            names = re.findall(r"\$\{?([A-Za-z_]\w*)", source(node))
            return Verdict(Effect.READ, "is given a text", names_secret(names)), self._heredoc(node), []
        self._gaps(node, b" \t", b" -\t")
        if any(c.type == "file_descriptor" and not source(c).isdecimal() for c in node.children):
            raise Unknown("a redirection that cannot be read")
        operator = next((c.type for c in node.children if not c.is_named), "")
        targets = [self.word(c) for c in node.named_children if c.type != "file_descriptor"]
        if not targets:
            return _change("redirects to nowhere known"), stdin, []
        target, extra = targets[0], targets[1:]
        if operator == "<<<":
            return Verdict(Effect.READ, "is given a text", names_secret(target.names)), _given(target), extra
        if operator == "<":
            return _reading(target), Stdin("empty" if target.text == "/dev/null" else "file"), extra
        return _writing(operator, target), stdin, extra

    def _heredoc(self, node: Node) -> Stdin:
        _honest(node)
        kinds = [c.type for c in node.named_children]
        if kinds not in (["heredoc_start", "heredoc_body", "heredoc_end"], ["heredoc_start", "heredoc_end"]):
            raise Unknown("a here-document with more on its line")
        start, end = node.named_children[0], node.named_children[-1]
        mark = source(start)
        name = mark.strip("'\"").removeprefix("\\")
        dashed = self.text[max(start.start_byte - 99, 0) : start.start_byte].rstrip().endswith(b"<<-")
        line = self.text.find(b"\n", start.end_byte)
        last = self._line_of(name.encode(), line + 1, dashed) if line >= 0 else None
        if not re.fullmatch(r"\w+", name) or last is None or self.text[start.end_byte : line].strip():
            raise Unknown("a here-document whose end is not plain")
        if end.end_byte != last[1]:
            raise Unknown("a here-document whose end is not plain")
        body = self.text[line + 1 : max(last[0] - 1, line + 1)].decode("utf-8", "replace")
        if mark == name and re.search(r"[$`\\]", body):
            if re.search(r"`|\\|\$(?![A-Za-z_])", body):
                raise Unknown("a here-document with expansions")
            return Stdin("text", None)
        return Stdin("text", body + "\n")

    def _line_of(self, mark: bytes, at: int, dashed: bool) -> tuple[int, int] | None:
        """Where the first line from ``at`` that is nothing but ``mark`` begins and ends."""
        while at <= len(self.text):
            end = self.text.find(b"\n", at)
            end = len(self.text) if end < 0 else end
            line = self.text[at:end]
            if (line.lstrip(b"\t") if dashed else line) == mark:
                return at, end
            at = end + 1
        return None

    def _set(self, node: Node) -> Verdict:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or name.type != "variable_name" or "+=" in source(node)[: len(source(name)) + 2]:
            raise Unknown("an assignment that cannot be read")
        if value is not None:
            self.word(value)
        return judge_variable(source(name))

    def assignment(self, node: Node, _: Stdin) -> Verdict:
        """A variable set for the commands that follow: only plain words under names that no program reads."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or value is None or not _is_own(source(name)):
            return _change(f"sets {source(name) if name else 'a variable'}, which may change what programs do")
        outer, self.parts = self.parts, []
        try:
            plain = _plain(self.word(value))
            found = [*self.parts, *([] if plain else [_change("sets a variable to what is only known when it runs")])]
        finally:
            self.parts = outer
        return worst([*found, Verdict(Effect.READ, "sets a variable")])

    def loop(self, node: Node, stdin: Stdin) -> Verdict:
        """``for x in a b; do …; done`` over plain words."""
        self._gaps(node, b" \t\n", b" -\t-\n")
        name, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        if name is None or body is None or not _is_own(source(name)):
            return self._hidden(node, "a loop whose variable may change what programs do")
        values = node.children_by_field_name("value")
        if not values or not all(_plain(self.word(value)) for value in values):
            return self._hidden(node, "loops over what is only known when it runs")
        marks = {c.type for c in node.children if not c.is_named}
        if not marks <= {"for", "in", ";", "\n"}:
            return self._hidden(node, "a loop that cannot be read")
        return self.judge(body, stdin)

    def test(self, node: Node, _: Stdin) -> Verdict:
        """``[ -f x ]`` and ``[[ … ]]``: plain tests of files and strings, on one line."""
        after = self.text[node.end_byte : node.end_byte + 1]
        if not re.fullmatch(r"\[\[?[ \t][^\n]*[ \t]\]\]?", source(node)) or after not in _EDGES:
            raise Unknown("a test that cannot be read")
        for child in _below(node):
            odd = child.type == "test_operator" and source(child) not in table_words("shell", "tests")
            if odd or child.type not in table_words("shell", "test_nodes"):
                raise Unknown(f"{_said(child)} in a test")
        return Verdict(Effect.READ, "a test only looks")


def _honest(node: Node) -> None:
    """Refuse a mark that covers more than itself: the parser takes ``-<<`` and ``-o2>`` for redirections."""
    for child in node.children:
        if not child.is_named and source(child).strip() != child.type.strip():
            raise Unknown("a mark that cannot be read")


def _touches(last: Node | None, child: Node) -> bool:
    """Whether bash could take both parts for one word, were there nothing between them."""
    if last is None or not last.is_named or not child.is_named:
        return False
    is_redirect = child.type in _REDIRECTS and not any(c.type == "file_descriptor" for c in child.children)
    return not is_redirect and "comment" not in (last.type, child.type)


_KEYWORDS = frozenset({"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}"})
_EDGES = frozenset({b"", b" ", b"\t", b"\n", b";", b"&", b"|", b"(", b")", b"`"})
_REDIRECTS = frozenset({"file_redirect", "herestring_redirect", "heredoc_redirect"})
_COMMANDS = frozenset(_JOINTS) | {"command", "redirected_statement", "for_statement", "function_definition",
                                  "case_statement", "case_item", "c_style_for_statement"}  # fmt: skip
_SPECIAL: dict[str, _Judge] = {
    "command": Walk.command,
    "redirected_statement": Walk.redirected,
    "variable_assignment": Walk.assignment,
    "for_statement": Walk.loop,
    "test_command": Walk.test,
}


def _said(node: Node) -> str:
    return {"function_definition": "a function"}.get(node.type, node.type.replace("_", " "))


def _below(node: Node) -> list[Node]:
    return [found for child in node.children for found in (child, *_below(child))]


def _is_own(name: str) -> bool:
    """Whether a variable of this name is the text's own: no program takes it for a setting."""
    return _OWN_NAME.fullmatch(name) is not None or name in table_words("shell", "own")


def _plain(word: Word) -> bool:
    """Whether a variable with this value stays one word and no flag."""
    return word.static and _SAFE_VALUE.fullmatch(word.text) is not None


def _piped(node: Node, verdict: Verdict) -> Stdin:
    """What the next command of a pipeline reads: nothing, if this one is a bare ``echo``."""
    empty = source(node).strip() in ("echo", "true", ":")
    return Stdin("empty" if empty else "pipe", endless=verdict.endless)


def _loops_for_ever(node: Node) -> bool:
    """``while true`` without a way out."""
    if node.type != "while_statement" or node.child_by_field_name("condition") is None:
        return False
    text = source(node)
    return re.match(r"(while[ \t]+(true|:)|until[ \t]+false)[ \t]*[;\n]", text) is not None and not re.search(
        r"\b(break|exit|return)\b", text
    )


def _given(word: Word) -> Stdin:
    return Stdin("text", word.text if word.static else None)


def _reading(target: Word) -> Verdict:
    if not target.static and not target.text.strip(OPAQUE):
        return Verdict(Effect.READ, "reads a file")
    if re.match(r"/dev/(tcp|udp)/", target.text) or OPAQUE in target.text[:9]:
        return _change("reads from a network connection")
    return Verdict(Effect.READ, "reads a file", sensitive=holds_secret(target))


def _writing(operator: str, target: Word) -> Verdict:
    if operator in (">&", "<&", ">&-", "<&-") and re.fullmatch(r"\d|-", target.text):
        return Verdict(Effect.READ, "joins two outputs")
    if operator in (">", ">>", "&>", "&>>", ">|", ">&") and target.static and target.text in _QUIET:
        return Verdict(Effect.READ, "drops output")
    if operator in (">", ">>", "&>", "&>>", ">|", ">&"):
        return _change(f"redirects into a file: {target.shown()}")
    return _change(f"redirects by {operator}")
