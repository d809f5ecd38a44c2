"""Programs whose arguments are a language of their own: psql, find, sed, awk; and those that run others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hutch.effect.arguments import Parsed, Stdin
from hutch.effect.argv import holds_secret
from hutch.effect.sql import classify_sql
from hutch.effect.tables import words as table_words
from hutch.effect.words import OPAQUE, Word
from hutch.model.effect import Effect, Verdict, worst


@dataclass(frozen=True, slots=True)
class Runner:
    """How a hook has a command judged that its program runs: by arguments, or as shell text."""

    argv: Callable[[Sequence[Word], Stdin], Verdict]
    text: Callable[[str], Verdict]


Hook = Callable[[Parsed, Stdin, Runner], Verdict]


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)


def _psql(parsed: Parsed, stdin: Stdin, _: Runner) -> Verdict:
    found = [_sql_of(word) for word in parsed.values("-c", "--command")]
    if parsed.has(frozenset({"-l", "--list"})):
        found.append(Verdict(Effect.READ, "psql -l lists databases"))
    if not found and stdin.kind == "text" and stdin.text is not None:
        found.append(classify_sql(stdin.text))
    if not found and parsed.has(frozenset({"-f", "--file"})):
        return Verdict(Effect.READ, "psql connects")  # what the flag does is told by its rule
    if not found:
        what = "a file that is not seen" if stdin.kind == "file" else "what it reads: give -c"
        return _change(f"psql runs {what}")
    total = worst(found)
    return Verdict(total.effect, f"psql: {total.why}", total.sensitive)


def _sql_of(word: Word) -> Verdict:
    return classify_sql(word.text) if word.static else _change("SQL that is only known when it runs")


_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def _find(parsed: Parsed, stdin: Stdin, run: Runner) -> Verdict:
    """``find`` reads its expression in order, so it is read from its operands (``style = "words"``)."""
    words, found = list(parsed.operands), [Verdict(Effect.READ, "find only looks")]
    sought: list[Word] = []
    known, valued = table_words("find", "none"), table_words("find", "value")
    expression = False
    while words:
        word = words.pop(0)
        if word.text in _FIND_RUNS:
            found.append(run.argv(_until_end(words), stdin))
        elif word.text == "-delete":
            found.append(Verdict(Effect.DESTROY, "find -delete removes files"))
        elif word.static and word.text in valued:
            sought.extend(words[:1])
            del words[:1]
        elif not (word.static and word.text in known):
            expression = expression or word.text[:1] in "-(!"
            found.extend(_find_start(word, expression))
    if len(found) > 1 and any(holds_secret(word) for word in sought):
        found.append(Verdict(Effect.READ, "find gives files of secrets to a program", sensitive=True))
    return worst(found)


def _find_start(word: Word, expression: bool) -> list[Verdict]:
    if word.hostile or expression or word.text.startswith("-"):
        return [_change(f"find: {word.shown()} is not known to only look")]
    return []


def _until_end(words: list[Word]) -> list[Word]:
    taken: list[Word] = []
    while words and words[0].text not in (";", "+"):
        word = words.pop(0)
        taken.append(Word(word.text.replace("{}", OPAQUE), word.hostile, word.names))
    del words[:1]
    return taken


_CLASS = r"\[\^?(?:[^\]\[\\\n]|\[:[a-z]+:\])+\]"  # in which a delimiter is an ordinary sign


def _until(delimiter: str, classes: bool = True) -> str:
    """A pattern or a replacement, up to the delimiter."""
    known = rf"|{_CLASS}" if classes else r"|\["
    return rf"(?:[^{delimiter}\\\n\[]|\\.{known})*"


def _substitution(mark: str) -> str:
    delimiter = re.escape(mark)
    return rf"s{delimiter}{_until(delimiter)}{delimiter}{_until(delimiter, classes=False)}{delimiter}{_FLAGS}"


_FLAGS = r"[gpiIm0-9]*"
_ADDRESS = rf"(?:\d+|\$|/{_until('/')}/I?)"
_SED_COMMAND = re.compile(
    rf"(?:{_ADDRESS}(?:,[~+]?{_ADDRESS})?\s*!?\s*)?"
    rf"(?:\{{\s*|(?:[pdq=nNlDPhHgGxz}}]|{'|'.join(map(_substitution, '/|#,@:!~%'))}"
    rf"|y/[^/\\\n]*/[^/\\\n]*/)[ \t]*(?:;|\n|(?=\}})|\Z)\s*)"
)


def _sed(parsed: Parsed, _: Stdin, __: Runner) -> Verdict:
    scripts = parsed.values("-e", "--expression") or parsed.operands[:1]
    for script in scripts:
        if not script.static or not _plain_sed(script.text):
            return _change(f"sed: the script {script.shown()[:40]} is not known to only print")
    return Verdict(Effect.READ if scripts else Effect.CHANGE, "sed only prints")


def _plain_sed(script: str) -> bool:
    at = len(script) - len(script.lstrip())
    while at < len(script):
        match = _SED_COMMAND.match(script, at)
        if match is None or match.end() == at:
            return False
        at = match.end()
    return True


_AWK_HARM = re.compile(r"getline|system|@|(?<!\|)\|(?!\|)|>>|\\\n|\bprintf?\b.*>", re.DOTALL)


def _awk(parsed: Parsed, _: Stdin, __: Runner) -> Verdict:
    """A program with ``>`` after a ``print`` may write; looked for in the raw text, strings and all."""
    script = parsed.operands[0] if parsed.operands else None
    if script is None or not script.static:
        return _change("awk: a program that is only known when it runs")
    if _AWK_HARM.search(script.text):
        return _change("awk: the program may run commands or write files")
    return Verdict(Effect.READ, "awk only prints", sensitive="ENVIRON" in script.text)


def _env(parsed: Parsed, stdin: Stdin, run: Runner) -> Verdict:
    words = list(parsed.operands)
    found: list[Verdict] = []
    while words and re.match(r"[A-Za-z_]\w*=", words[0].text):
        found.append(judge_variable(words.pop(0).text.partition("=")[0]))
    if not words:
        return worst([*found, Verdict(Effect.READ, "env shows the environment", sensitive=True)])
    return worst([*found, run.argv(words, stdin)])


def judge_variable(name: str) -> Verdict:
    """What setting an environment variable for a command can do: some load code or pick another program."""
    if name in table_words("secrets", "environment", "harmless"):
        return Verdict(Effect.READ, f"sets {name}")
    return _change(f"sets {name}, which may change what the program does")


def _xargs(parsed: Parsed, _: Stdin, run: Runner) -> Verdict:
    replaced = parsed.values("-I", "--replace")
    unknown = Word(OPAQUE, hostile=True)
    inner = list(parsed.operands) or [Word("echo")]
    found = []
    if replaced:
        mark = replaced[0].text
        words = [Word(w.text.replace(mark, OPAQUE), w.hostile or w.text.startswith(mark)) for w in inner]
        found.append(run.argv(words, Stdin("empty")))
    if not replaced or parsed.has(frozenset({"-n", "-L", "--max-args", "--max-lines"})):  # of which the last counts
        found.append(run.argv([*inner, unknown], Stdin("empty")))
    return worst(found)


_PRINTF_SETS = re.compile(r"%[^%A-Za-z]*[hlLqjzt]*n")


def _printf(parsed: Parsed, _: Stdin, __: Runner) -> Verdict:
    """bash's ``printf`` sets a variable by ``-v`` or ``%n``, and some shells calculate what ``%d`` is given."""
    words = parsed.operands[1:] if parsed.operands and parsed.operands[0].text == "--" else parsed.operands
    form = words[0] if words else Word(OPAQUE)
    if not form.static or form.text.startswith("-") or _PRINTF_SETS.search(form.text.replace("%%", "")):
        return _change("printf: a format that may set a variable")
    if any(mark in word.text for word in words[1:] for mark in ("$(", "`")):
        return _change("printf: an argument that some shells calculate")
    return Verdict(Effect.READ, "printf prints")


def _shell(parsed: Parsed, _: Stdin, run: Runner) -> Verdict:
    script, *arguments = parsed.operands or [Word(OPAQUE)]
    if not parsed.has(frozenset({"-c"})) or not script.static:
        return _change(f"{parsed.program} runs a script")
    return worst([run.text(script.text), *[_change("a script's arguments") for _ in arguments[:1]]])


HOOKS: dict[str, Hook] = {
    "psql": _psql,
    "find": _find,
    "printf": _printf,
    "sed": _sed,
    "awk": _awk,
    "env": _env,
    "xargs": _xargs,
    "shell": _shell,
}
