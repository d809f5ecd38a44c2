"""A statement and values -> what runs. Values never become code (DESIGN §3).

Into SQL they go as bound parameters, or as quoted names where a name stands; into a shell as quoted text that stays
within its word, and as environment for ``$NAME``; into a request encoded for the place. Where that cannot be had
(inside backticks, in code that another program reads), the value is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hutch.model.runbook import Rendered, Statement
from hutch.runbook import render_http, render_shell, render_sql
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import SHELLS


def render(statement: Statement, lang: str, values: Mapping[str, str]) -> Rendered:
    """The statement with every placeholder filled in; ``missing`` names those without a value.

    ``values`` go by placeholder name (``deployment-url``); an empty one is none (``rm -r [folder]/``). Only the
    placeholders of ``statement`` are replaced: what looks like one inside a value stays text. Raises
    :class:`RunbookError` where a value cannot be put without becoming more than a value.
    """
    wanted = list(dict.fromkeys(p.name for p in statement.placeholders))
    known = {name: values[name] for name in wanted if values.get(name, "").strip()}
    for name, value in known.items():
        if "\0" in value:
            raise RunbookError(f"the value of [{name}] holds a NUL character; give it without", statement.line)
    try:
        done = _filled(statement, lang, known)
    except RunbookError as error:
        raise error.at(statement.line) from None
    return replace(done, missing=tuple(name for name in wanted if name not in known))


def _filled(statement: Statement, lang: str, values: Mapping[str, str]) -> Rendered:
    if lang == "sql":
        return render_sql.render(statement.text, statement.placeholders, values)
    if lang in SHELLS:
        return render_shell.render(statement.text, statement.placeholders, values)
    if lang == "http":
        return render_http.render(statement.text, statement.placeholders, values)
    if lang == "promql":
        return render_http.render_promql(statement.text, statement.placeholders, values)
    for name in values:
        raise RunbookError(f"[{name}] stands in a block of {lang or 'text'}, which takes no values; write it out")
    return Rendered(statement.text)
