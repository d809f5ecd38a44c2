"""psql's backslash commands: the few that only look are known by their whole text."""

from __future__ import annotations

import re

from hutch.model.effect import Effect, Verdict

_PLAIN = r"""(?:[ \t]+[\w.*?$+"-]+)*[ \t]*"""
_READERS = re.compile(
    rf"\\(?:d[a-zA-Z]*[S+x]*|l[x+]*|list\+?|z[S+x]*|sf\+?|sv\+?|conninfo\+?|x|timing|encoding|h|help|\?|copyright"
    rf"|echo|qecho|q|errverbose|a|t|H|lo_list\+?|pset){_PLAIN}"
)
_WHY = {
    "!": "runs a shell command",
    "copy": "copies between a file and a table",
    "i": "runs a file of commands",
    "ir": "runs a file of commands",
    "include": "runs a file of commands",
    "o": "writes output to a file or a program",
    "out": "writes output to a file or a program",
    "g": "sends the query, its output wherever the rest says",
    "gexec": "runs the query's output as commands",
    "w": "writes a file",
    "e": "opens an editor and runs what comes back",
    "ef": "opens an editor and runs what comes back",
    "lo_import": "writes a large object",
    "lo_export": "writes a file",
    "password": "changes a password",
    "c": "connects elsewhere",
    "connect": "connects elsewhere",
}


def classify_backslash(text: str) -> Verdict:
    """The effect of one backslash command. Anything past plain names and patterns is a change:
    psql runs backticks, and further commands on the same line.
    """
    line = text.strip()
    if _READERS.fullmatch(line):
        return Verdict(Effect.READ, f"psql's {line.split()[0]} only looks")
    word = re.match(r"\\(!|\w*)", line)
    name = word.group(1) if word else ""
    if name == "lo_unlink":
        return Verdict(Effect.DESTROY, r"\lo_unlink deletes a large object")
    return Verdict(Effect.CHANGE, f"\\{name} {_WHY.get(name, 'is not known to only look')}")
