"""Values into shell text: quoted for the place they stand in, so that they stay within their word."""

from __future__ import annotations

import re
import shlex
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.runbook import Placeholder, Rendered
from hutch.runbook import render_url
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholder_words import words_of
from hutch.runbook.shell_lex import Lexer, Quoting, Token
from hutch.runbook.shell_words import Command, Word, commands

CODE_READERS = words_of(
    "bash sh zsh dash ksh eval source . exec ssh su sudo xargs parallel watch env timeout nohup psql mysql sqlite3"
    " mongosh mongo redis-cli python python3 perl ruby node php awk gawk sed jq yq osascript trap at batch find nice"
    " docker kubectl oc podman crictl nsenter chroot script expect make git vim ed"
)
"""Programs that read some argument as code of their own: a value there must be a plain word."""

PRINTERS = frozenset({"echo", "printf", "cat", "tee", "yes"})
"""Programs that hand their words on: into a pipe that another program may read as code."""

FILE_READERS = frozenset({"curl", "http", "https", "aws", "gh", "az", "gcloud"})
"""Programs that read a file where an argument begins with ``@`` or ``file:``."""

PLAIN_VALUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+=,%-]*")
"""What means itself in any code, if it holds no ``--`` (a comment in SQL)."""

HOST_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?")
"""What may stand in the host of a URL: nothing that ends the host early and so leads elsewhere."""

_CODE_FLAGS = frozenset({"-c", "--command", "-e", "--eval", "--execute", "-f", "--file", "eval", "-exec", "-execdir"})
_IN_DOUBLE = re.compile(r'([\\$`"])')
_IN_HEREDOC = re.compile(r"([\\$`])")
_VARIABLE = re.compile(r"\$\{?[\#!]?([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a placeholder stands: its quoting, its word and command (if in one)."""

    token: Token
    command: Command | None
    word: Word | None
    at: int
    before: str = ""  # the word's own text up to the placeholder
    option: str = ""  # the word before, if there is one
    programs: tuple[str, ...] = ()  # every program of the statement
    outer: tuple[str, ...] = ()  # those that get the output of a substitution around it

    @property
    def program(self) -> str:
        """The program that gets the word."""
        return self.command.program if self.command else ""

    @property
    def begins(self) -> bool:
        """Whether the value would be the beginning of a word, where a hyphen makes an option of it."""
        return self.word is not None and self.at - self.word.start <= 1


def render(text: str, placeholders: Sequence[Placeholder], values: Mapping[str, str]) -> Rendered:
    """``text`` with ``values`` (by placeholder name) filled in; ``$NAME`` stays and is given in ``env``.

    Raises :class:`RunbookError` for a value that would be more than a value where it stands.
    """
    places = _Places(text, placeholders)
    env: dict[str, str] = {}
    parts, at = [], 0
    for one in placeholders:
        if one.name not in values:
            continue
        place, value = places.of(one.start), values[one.name]
        if problem := _refusal(one, value, place):
            raise RunbookError(problem)
        if variable := _VARIABLE.match(one.text):
            env[variable[1]] = value
        fitting = _encoded(value, place)
        if fitting != value and one.text.startswith("$"):
            raise RunbookError(f"[{one.name}] stands in an address; give letters, digits and -._~ only")
        parts += [text[at : one.start], _put(one, fitting, place.token.quoting)]
        at = one.end
    return Rendered("".join((*parts, text[at:])), env=env)


def _put(one: Placeholder, value: str, quoting: Quoting) -> str:
    """What stands in the placeholder's place; a bare ``$X`` is put in quotes, or the shell would split its value."""
    if one.text.startswith("$"):
        return f'"{one.text}"' if quoting is Quoting.PLAIN else one.text
    return _quoted(value, quoting)


def _encoded(value: str, place: Place) -> str:
    """The value as the word's own program needs it."""
    if place.program not in render_url.PROGRAMS or place.word is None or place.command is None:
        return value
    return render_url.encoded(value, place.option, place.before, place.command.values())


def _quoted(value: str, quoting: Quoting) -> str:
    match quoting:
        case Quoting.DOUBLE:
            return _IN_DOUBLE.sub(r"\\\1", value)
        case Quoting.SINGLE:
            return value.replace("'", "'\"'\"'")
        case Quoting.HEREDOC:
            return _IN_HEREDOC.sub(r"\\\1", value)
        case Quoting.LITERAL:
            return value
    return shlex.quote(value)


def _refusal(placeholder: Placeholder, value: str, place: Place) -> str:
    """Why a value cannot be put where the placeholder stands; empty if it can."""
    named, quoting = f"[{placeholder.name}]", place.token.quoting
    if place.token.nested or quoting in {Quoting.ARITHMETIC, Quoting.ANSI, Quoting.PARAMETER}:
        return f"{named} stands where a shell evaluates its value (backticks, arithmetic, $'…'); rewrite that command"
    if quoting in {Quoting.HEREDOC, Quoting.LITERAL} and "\n" in value:
        return f"the value of {named} holds a line break, which could end the here-document; give it on one line"
    if place.word is None and quoting not in {Quoting.HEREDOC, Quoting.LITERAL}:
        return f"{named} stands outside a command's words; rewrite that command"
    if place.command and place.word and place.command.words[:1] == [place.word]:
        return f"{named} stands where the program's name stands; name the program in the document"
    if place.begins and value.startswith("-"):
        return f"the value of {named} begins with a hyphen and would be read as an option; give another"
    if place.program in FILE_READERS and value.startswith(("@", "file:", "fileb:")):
        return f"the value of {named} would make {place.program} read a file; give another"
    if _is_code(place) and not (PLAIN_VALUE.fullmatch(value) and "--" not in value):
        return f"{named} stands in code that another program reads; only letters, digits and _.:/@+=,%- can be given"
    if _leads_elsewhere(place, value):
        return f"{named} stands in the host of a URL; give a host name or a part of one"
    if place.program in render_url.PROGRAMS and place.word:
        problem = render_url.refusal(named, value, place.option, place.before)
        if problem:
            return problem
    if _breaks_json(place, value):
        return f"{named} stands in a JSON string; give a value without quotes, backslashes and control characters"
    return ""


def _is_code(place: Place) -> bool:
    """Whether some program reads the place as code: then quoting for the shell is not enough."""
    if any(program in CODE_READERS for program in place.outer):
        return True
    if place.word is None or place.program in PRINTERS:
        return any(program in CODE_READERS for program in place.programs)
    if place.command is None or place.program not in CODE_READERS:
        return False
    if place.program != "psql":
        return True
    words = place.command.words  # psql reads as code what follows -c; its other words are names and addresses
    before = words[words.index(place.word) - 1].value if place.word in words else ""
    return before in _CODE_FLAGS or place.word.value.startswith(("--command", "-c"))


def _leads_elsewhere(place: Place, value: str) -> bool:
    """Whether a value in the host of a URL is more than a part of a host."""
    before = place.before.rpartition("://")
    return bool(before[1]) and not re.search(r"[/?#]", before[2]) and not HOST_VALUE.fullmatch(value)


def _breaks_json(place: Place, value: str) -> bool:
    """Whether a value would end the JSON string that it stands in."""
    return bool(re.search(r'[{\[:,]\s*\\?"[^"]*$', place.before)) and bool(re.search(r'["\\\x00-\x1f]', value))


def mask(text: str, placeholders: Sequence[Placeholder]) -> str:
    """``text`` with each placeholder that is no variable as a plain word of the same length, so that ``<pod>`` is no
    redirection and ``[a b]`` is one word."""
    kept, at = [], 0
    for one in placeholders:
        kept += [text[at : one.start], one.text if one.text.startswith("$") else "x" * (one.end - one.start)]
        at = one.end
    return "".join((*kept, text[at:]))


@dataclass(frozen=True, slots=True)
class _Spot:
    """A word with its command, and the index of the spot that encloses it; -1 for none."""

    word: Word
    command: Command
    within: int


class _Places:
    """Finds the place of an offset in one statement."""

    def __init__(self, text: str, placeholders: Sequence[Placeholder]) -> None:
        self.text = text
        masked = mask(text, placeholders)
        self.tokens = Lexer(masked).tokens
        self.starts = [t.start for t in self.tokens]
        found = commands(masked, self.tokens)
        self.programs = tuple(c.program for c in found)
        self.spots = _spots(found)
        self.heads = [s.word.start for s in self.spots]

    def of(self, at: int) -> Place:
        token = self.tokens[bisect_right(self.starts, at) - 1]
        chain = [*self._around(at)]
        if not chain:
            return Place(token, None, None, at, programs=self.programs)
        word, command = chain[0].word, chain[0].command
        option = _before(command.words, word)
        outer = tuple(s.command.program for s in chain[1:])
        return Place(token, command, word, at, self.text[word.start : at], option, self.programs, outer)

    def _around(self, at: int) -> Iterator[_Spot]:
        """The words that ``at`` stands in, the innermost first."""
        index = bisect_right(self.heads, at) - 1
        while index >= 0:
            spot = self.spots[index]
            if at < spot.word.end:
                yield spot
            index = spot.within


def _spots(found: Sequence[Command]) -> list[_Spot]:
    """Every word of every command, in order; those of a substitution are within the word that holds it."""
    every = [(w.start, -w.end, n, w) for n, c in enumerate(found) for w in (*c.words, *c.files)]
    spots: list[_Spot] = []
    opened: list[int] = []
    for start, _, number, word in sorted(every, key=lambda e: e[:3]):
        while opened and spots[opened[-1]].word.end <= start:
            opened.pop()
        spots.append(_Spot(word, found[number], opened[-1] if opened else -1))
        opened.append(len(spots) - 1)
    return spots


def _before(words: Sequence[Word], word: Word) -> str:
    at = bisect_right(words, word.start, key=lambda w: w.start) - 1
    return words[at - 1].value if at > 0 and words[at] == word else ""
