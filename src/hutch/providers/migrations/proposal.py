"""What a person would give to finish a half-applied migration: what is missing alone, in its safe form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hutch.providers.migrations.declared import Key
from hutch.providers.migrations.expected import Wanted
from hutch.providers.migrations.files import File, Step
from hutch.providers.migrations.words import Statement

STATEMENT_SHOWN = 2000
"""Characters of a statement that a proposal shows; a longer one has to be taken from the file."""


def by_hand(file: File, left: Sequence[Wanted], states: Mapping[Key, str], unproven: Sequence[int]) -> Iterator[str]:
    """Drop what a failed build left, then each missing object's statement in the file's order.

    ``unproven`` are statements of which the schema does not tell whether they ran: they come as comments.
    """
    yield from (f"DROP INDEX CONCURRENTLY {w.key.name};" for w in left if states.get(w.key) == "invalid")
    new_tables = {w.key.name for w in left if w.key.kind == "table" and not w.gone}
    for number, step in enumerate(file.steps):
        mine = [w for w in left if w.statement == number]
        if mine:
            yield from _missing(step, mine, new_tables)
        elif number in unproven:
            yield f"-- can't be told from the schema whether this ran: {shown(step.text)}"


def _missing(step: Step, mine: Sequence[Wanted], new_tables: set[str]) -> Iterator[str]:
    statement = step.statement
    if statement is None:
        yield f"-- {shown(step.text)}"
        return
    head = " ".join(w.upper for w in statement.words[:2])
    spans = [w.op.span for w in mine if w.op.span != (0, 0)]
    if head == "ALTER TABLE" and spans:
        yield from _actions(statement, spans)
    elif head == "CREATE TABLE" and not any(w.key.kind == "table" for w in mine):
        table = mine[0].key.name
        for span in spans:
            kind = "COLUMN IF NOT EXISTS " if _is_column(mine, span) else ""
            yield f"ALTER TABLE {table} ADD {kind}{statement.bare(*span)};"
    else:
        yield f"{_safe(statement, new_tables)};"


def _is_column(mine: Sequence[Wanted], span: tuple[int, int]) -> bool:
    return any(w.op.span == span and w.key.kind == "column" for w in mine)


def _actions(statement: Statement, spans: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Only the actions that are missing; then a new check or foreign key, first without looking at the rows."""
    head = ("ADD", "DROP", "ALTER", "RENAME")
    first = next(i for i, w in enumerate(statement.words) if i > 1 and w.upper in head)
    table = statement.bare(0, first)
    plain, slow = [], []
    for span in dict.fromkeys(spans):
        action = statement.bare(*span)
        said = [w.upper for w in statement.words[slice(*span)]]
        if said[:2] == ["ADD", "CONSTRAINT"] and {"CHECK", "FOREIGN"} & set(said) and "VALID" not in said:
            name = statement.bare(span[0] + 2, span[0] + 3)
            slow += [f"{table} {action} NOT VALID;", f"{table} VALIDATE CONSTRAINT {name};"]
        else:
            plain.append(_guarded(action, said))
    if plain:
        yield f"{table} {', '.join(plain)};"
    yield from slow


def _guarded(text: str, said: Sequence[str]) -> str:
    if "EXISTS" in said[:5]:
        return text
    if said[0] == "ADD" and said[1] not in ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE"):
        rest = text[len("ADD") :].lstrip()
        bare = rest[len("COLUMN") :].lstrip() if said[1] == "COLUMN" else rest
        return f"ADD COLUMN IF NOT EXISTS {bare}"
    if said[0] == "DROP" and said[1] in ("COLUMN", "CONSTRAINT"):
        return f"DROP {said[1]} IF EXISTS {text.split(None, 2)[2]}"
    return text


def _safe(statement: Statement, new_tables: set[str]) -> str:
    """With IF NOT EXISTS where it fits; an index of a table in use CONCURRENTLY, and then not IF NOT EXISTS, which
    would be content with one that is not valid."""
    text = shown(statement.bare())
    said = [w.upper for w in statement.words]
    if said[:1] == ["CREATE"] and "INDEX" in said[:3]:
        return (
            text if "CONCURRENTLY" in said[:4] or _on(statement) in new_tables else _put(text, "INDEX", "CONCURRENTLY")
        )
    if "EXISTS" in said[:7]:
        return text
    if said[:3] == ["ALTER", "TYPE", *said[2:3]] and "VALUE" in said[:7]:
        return _put(text, "VALUE", "IF NOT EXISTS")
    for kind in ("TABLE", "SCHEMA", "SEQUENCE", "EXTENSION"):
        if said[0] == "CREATE" and kind in said[1:3]:
            return _put(text, kind, "IF NOT EXISTS")
    if said[:2] == ["DROP", "INDEX"]:
        return _put(text, "CONCURRENTLY" if "CONCURRENTLY" in said else "INDEX", "IF EXISTS" if "CONCURRENTLY" in said
                    else "CONCURRENTLY IF EXISTS")  # fmt: skip
    if said[0] == "DROP" and said[1] in ("TABLE", "TYPE", "VIEW", "SEQUENCE", "SCHEMA"):
        return _put(text, said[1], "IF EXISTS")
    return text


def _on(statement: Statement) -> str:
    at = next((i for i, w in enumerate(statement.words) if w.upper == "ON"), 0)
    return statement.words[at + 1].text.lower() if at else ""


def _put(text: str, after: str, what: str) -> str:
    at = text.upper().index(after) + len(after)
    return f"{text[:at]} {what}{text[at:]}"


def shown(text: str) -> str:
    """As a proposal shows it."""
    return text if len(text) <= STATEMENT_SHOWN else f"{text[:STATEMENT_SHOWN]}…"
