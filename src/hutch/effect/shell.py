"""What a piece of shell can do. Default-deny on node kinds, programs, subcommands, flags and arguments alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import tree_sitter_bash
from tree_sitter import Language, Parser

from hutch.effect.arguments import Parsed, Stdin
from hutch.effect.argv import judge, names_secret, program_of, read_arguments
from hutch.effect.conditions import endless
from hutch.effect.hooks import HOOKS, Runner
from hutch.effect.plain import plain_words
from hutch.effect.shellwalk import Walk
from hutch.effect.sqlwords import LIMIT
from hutch.effect.words import Word, plain_bytes
from hutch.model.effect import Effect, Verdict, worst

_PARSER = Parser(Language(tree_sitter_bash.language()))
_BEFORE_COLON = re.compile(r"(?<![\\$])\$([A-Za-z_]\w*)(?=:\$[A-Za-z_])|(?<=:)\$([A-Za-z_]\w*)", re.ASCII)
_DEEP = 20
_LONG = 8 * 1024
_MOST_OPEN = 200
_BRACKETS = re.compile(rb"[()\[\]{}]")
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MARK = re.compile(r"[^\w \t,./:]")

MOST_MARKS = 1000
"""Signs that are no letters or blanks: on hostile text the parser takes time quadratic in them, for 64 kB 30 s."""


def classify_shell(text: str) -> Verdict:
    """The effect of shell text: the worst of its commands; what cannot be proven is a change."""
    return _judged(text, 0).told()


def _judged(text: str, depth: int) -> Verdict:
    if len(text) > LIMIT or len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        return _change("longer than 64 kB, so not looked into")
    if _ODD.search(text):
        return _change("holds a control character")
    text = text.strip(" \t\n")
    words = plain_words(text)
    return run_argv(words, Stdin(), depth) if words else _walked(text, depth)


def _walked(text: str, depth: int = 0) -> Verdict:
    if len(text) > MOST_MARKS and len(_MARK.findall(text)) > MOST_MARKS:
        return _change("has too many marks to be looked into")
    raw = plain_bytes(_braced(text))
    if len(raw) > _LONG and _tangled(raw):
        return _change("is long, and its brackets do not match, so not looked into")
    root = _PARSER.parse(raw).root_node
    verdict = Walk(raw, partial(run_argv, depth=depth)).judge(root, Stdin())
    if root.start_byte or root.end_byte != len(raw):
        verdict = verdict.at_least(Effect.CHANGE, "cannot be parsed as shell, so unknown")
    if root.has_error:
        verdict = verdict.at_least(Effect.CHANGE, "cannot be parsed as shell, so unknown")
    return verdict


def _tangled(raw: bytes) -> bool:
    """Whether so many brackets stand open, or close nothing, that the parser takes quadratic time (16 s for 64 kB)."""
    depth = 0
    for mark in _BRACKETS.findall(raw):
        depth += 1 if mark in b"([{" else -1
        if abs(depth) > _MOST_OPEN:
            return True
    return False


def _braced(text: str) -> str:
    """``$HOST:$PORT`` as ``${HOST}:${PORT}``, which is the same to bash and, unlike that, read right by the parser."""
    if "'" in text or "<<" in text or ":$" not in text:
        return text
    return _BEFORE_COLON.sub(r"${\1\2}", text)


def run_argv(words: Sequence[Word], stdin: Stdin, depth: int = 0) -> Verdict:
    """The effect of one command given by its words; ``depth`` of others run it (``sudo nice …``)."""
    if not words:
        return _change("a command without a program")
    if depth > _DEEP:
        return _change("run by so many others that it is not looked into")
    parsed = read_arguments(words)
    if isinstance(parsed, Verdict):
        return parsed
    if _only_asks(parsed, words):
        return Verdict(Effect.READ, f"{parsed.program} {words[1].text} only describes itself")
    found = [judge(parsed, words, stdin)]
    if parsed.spec.hook:
        found.insert(0, HOOKS[parsed.spec.hook](parsed, stdin, _runner(depth)))
    if parsed.spec.inner and not parsed.has_mode:
        found.insert(0, _inner(parsed, stdin, _runner(depth)))
    total = worst(found)
    goes_on = endless(parsed, total.endless, stdin)
    return total.marked(sensitive=total.sensitive or _shows_secrets(words), endless=goes_on)


def _runner(depth: int) -> Runner:
    return Runner(partial(run_argv, depth=depth + 1), partial(_judged, depth=depth + 1))


def _only_asks(parsed: Parsed, words: Sequence[Word]) -> bool:
    if len(words) != 2 or not words[1].static:
        return False
    usual = words[1].text in ("--version", "--help") and not parsed.root.inner and parsed.root.style != "words"
    return usual or words[1].text in parsed.root.asks


def _inner(parsed: Parsed, stdin: Stdin, run: Runner) -> Verdict:
    """What the command does that this one runs (``timeout 5 ls``), at least the spec's floor."""
    spec = parsed.spec
    words = _run_words(parsed)
    if not words:
        return Verdict(spec.floor, f"{parsed.name} {spec.why or 'runs another command'}")
    if spec.inner == "argv":
        verdict = run.argv(words, stdin)
    elif all(word.static for word in words):
        verdict = run.text(" ".join(word.text for word in words))
    else:
        verdict = _change(f"{parsed.name} runs what is only known when it runs")
    return verdict.at_least(spec.floor, f"{parsed.name} {spec.why or 'runs another command'}")


def _run_words(parsed: Parsed) -> list[Word]:
    """The words of the command that is run: after ``--``, and after the operands that stand before it."""
    before = len(parsed.operands) - len(parsed.after)
    words = parsed.after if before >= parsed.spec.skip and parsed.after else parsed.operands[parsed.spec.skip :]
    return words[1:] if words and words[0].text == "--" else words


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)


def _shows_secrets(words: Sequence[Word]) -> bool:
    """Whether a printing command shows a variable that customarily holds a secret."""
    if program_of(words[0]) not in ("echo", "printf"):
        return False
    return names_secret(name for word in words for name in word.names)
