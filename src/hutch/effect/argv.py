"""What one command can do, by its program, subcommand, flags and arguments. Default-deny in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from hutch.effect.arguments import Parsed, Stdin, flag_harms, lost_destroyer, opaque, parse
from hutch.effect.conditions import holds
from hutch.effect.specs import OperandRule, Spec, either, matches, may_match, spec_of
from hutch.effect.tables import words as table_words
from hutch.effect.words import OPAQUE, Word
from hutch.model.effect import Effect, Verdict, worst

_FOLDERS = ("/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/", "/opt/homebrew/bin/")


def program_of(word: Word) -> str | None:
    """The program's name; None when it is not known beforehand. A path counts only in a system folder."""
    if not word.static:
        return None
    folder, slash, name = word.text.rpartition("/")
    return name if f"{folder}{slash}" in _FOLDERS else word.text


def read_arguments(words: Sequence[Word]) -> Parsed | Verdict:
    """The arguments by the program's spec, or the verdict when the program is not known."""
    program = program_of(words[0])
    if program is None:
        return _change("runs a program that is only known when it runs")
    spec = spec_of(program)
    if spec is None:
        return _change(f"unknown program {program}" if program else "an empty program name")
    return parse(program, spec, words[1:])


def judge(parsed: Parsed, words: Sequence[Word], stdin: Stdin) -> Verdict:
    """The effect by the table alone: what the spec says, raised by flags, operands and input."""
    spec = parsed.spec
    base = _base(parsed, spec)
    found = [base, *flag_harms(parsed)]
    if spec is parsed.root and spec.subs and parsed.operands and not parsed.chain:
        found.append(_change(f"{parsed.name} is not known to only read"))
    if (parsed.unknown or not parsed.chain) and parsed.root.subs:
        found.extend(v for v in [lost_destroyer(parsed, words[1:])] if v)
    found.extend(_operands(parsed, spec))
    if base.effect is Effect.READ:
        found.extend(_doubts(parsed, spec, stdin))
    total = worst(found)
    secret = total.sensitive or (total.effect is Effect.READ and _secret_file(parsed, spec))
    return total.marked(sensitive=secret, endless=total.endless)


def _base(parsed: Parsed, spec: Spec) -> Verdict:
    if holds(spec.dry, parsed):
        return Verdict(Effect.READ, f"{parsed.name} only says what it would do")
    return Verdict(spec.effect, _why(parsed, spec), spec.sensitive and not _does_its_default(parsed, spec))


def _why(parsed: Parsed, spec: Spec) -> str:
    if spec.why:
        return f"{parsed.name} {spec.why}" if not spec.why.startswith("!") else spec.why[1:]
    return f"{parsed.name} only reads" if spec.effect is Effect.READ else f"{parsed.name} is not known to only read"


def _doubts(parsed: Parsed, spec: Spec, stdin: Stdin) -> list[Verdict]:
    """Reasons why a reading command may do more."""
    name = parsed.name
    doubts: list[str] = []
    if parsed.unknown:
        doubts.append(f"{name}: unknown flag {parsed.unknown}")
    if not spec.any_flag and any(w.hostile for w in _unguarded(parsed)):
        doubts.append(f"{name}: an argument that may turn out to be a flag")
    if spec.operands == "none" and parsed.operands and not parsed.has(spec.lists):
        doubts.append(f"{name}: the argument {parsed.operands[0].shown()} is not known to be harmless")
    if spec.most is not None and _size(parsed.operands) > spec.most:
        doubts.append(f"{name}: may write to its argument {parsed.operands[-1].shown()}")
    if _does_its_default(parsed, spec):
        doubts.append(f"{name} {spec.bare}")
    if _may_shift(parsed, spec):
        doubts.append(f"{name} runs a command, and an argument before it may turn out to be empty")
    if spec.stdin == "code" and stdin.kind != "none":
        doubts.append(f"{name} runs what it is sent on standard input")
    if spec.stdin == "empty" and stdin.kind not in ("none", "empty"):
        doubts.append(f"{name} sends on what it is given on standard input")
    return [_change(doubt) for doubt in doubts]


def _size(operands: Sequence[Word]) -> int:
    """How many arguments the words may become: a glob may become several."""
    return sum(2 if word.globbed else 1 for word in operands)


def _may_shift(parsed: Parsed, spec: Spec) -> bool:
    """Whether an unquoted empty variable could make a wrapper (``timeout $T ls x``) run another word."""
    if not spec.inner and spec.hook not in ("env", "xargs", "shell"):
        return False
    before = [flag.value for flag in parsed.flags if flag.value is not None] + parsed.operands[: spec.skip]
    return any(opaque(word) for word in before)


def _does_its_default(parsed: Parsed, spec: Spec) -> bool:
    """Whether it does what it does unasked: no flag that it needs for a read, or no argument at all."""
    if spec.needs:
        return not holds(spec.needs, parsed)
    return bool(spec.bare) and not (parsed.operands or parsed.chain or parsed.has_mode)


def _unguarded(parsed: Parsed) -> list[Word]:
    guarded = {id(word) for word in parsed.guarded}
    values = [flag.value for flag in parsed.flags if flag.value is not None]
    return [w for w in (*parsed.operands, *values) if id(w) not in guarded]


def _operands(parsed: Parsed, spec: Spec) -> list[Verdict]:
    return [verdict for word in parsed.operands for verdict in _operand(parsed, spec, word)]


def _operand(parsed: Parsed, spec: Spec, word: Word) -> list[Verdict]:
    for rule in spec.operand_rules:
        if _hits(rule, word, spec.fold or parsed.root.fold):
            why = rule.why or "only reads"
            return [Verdict(rule.effect, f"{parsed.name} {word.shown()}: {why}", rule.sensitive)]
    if spec.operands == "listed":
        return [_change(f"{parsed.name}: the argument {word.shown()} is not known to be harmless")]
    return []


def _hits(rule: OperandRule, word: Word, fold: bool) -> bool:
    harmful = rule.effect > Effect.READ and (not rule.sure or word.globbed)
    doubtful = (harmful and opaque(word)) or (rule.sensitive and word.globbed and word.text == OPAQUE)
    return matches(rule.match, word, fold) or (doubtful and may_match(rule.match, word))


def _secret_file(parsed: Parsed, spec: Spec) -> bool:
    values = [flag.value for flag in parsed.flags if flag.value is not None]
    steps = [word for word in parsed.path if "/" in word.text]
    return spec.files and any(holds_secret(word) for word in (*steps, *parsed.operands, *values))


def holds_secret(word: Word) -> bool:
    """Whether a file of this name customarily holds secrets or persons' data."""
    path = word.text.lower()
    name = path.rpartition("/")[2]
    paths, names = _secret_patterns()
    return either(paths).match(path) is not None or either(names).match(name) is not None


def names_secret(names: Iterable[str]) -> bool:
    """Whether one of the variables customarily holds a secret."""
    patterns = tuple(sorted(table_words("secrets", "variables")))
    return any(either(patterns).match(name.lower()) for name in names)


@cache
def _secret_patterns() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those for a whole path, and those for a file's name."""
    patterns = sorted(table_words("secrets", "files"))
    return tuple(p for p in patterns if "/" in p), tuple(p for p in patterns if "/" not in p)


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)
