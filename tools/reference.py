"""Writes the generated tables of docs/reference from the code: ``python tools/reference.py [--check]``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from inspect import cleandoc
from pathlib import Path

import click

from hutch.bootstrap import accessing, alerting, archiving, calendars, config, ingest, notify, oncall, probes
from hutch.bootstrap import signals as own_signals
from hutch.bootstrap.wire import find_providers
from hutch.cli.main import COMMANDS, resolve
from hutch.commands.lint import words_of
from hutch.detection.promql import expression
from hutch.detection.signals import SIGNALS
from hutch.ports import Setting, TargetConfig
from hutch.runbook.lint import RULES
from hutch.runbook.lint.explain import explained

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
MARK = re.compile(r"(<!-- (?P<what>[^>]+?) -->\n)(?:<!-- begin -->.*?<!-- end -->\n)?", re.S)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in row) + " |" for row in lines)


def settings(found: Sequence[Setting]) -> str:
    """A table of settings."""
    rows = [(f"`{s.name}`", s.kind, "required" if s.required else default(s.default), s.doc) for s in found]
    return table(("key", "kind", "default", "what it is"), rows)


def default(value: object) -> str:
    """A default as one writes it."""
    if value in (None, "", ()):
        return "none"
    if isinstance(value, timedelta):
        return f"`{value.total_seconds():g}s`"
    return f"`{', '.join(value) if isinstance(value, list | tuple) else value}`"


def providers() -> str:
    """Every provider's block."""
    found = sorted(find_providers().items())
    return "\n\n".join(f"### `{name}`\n\n{p.summary}.\n\n{settings(p.settings)}" for name, p in found)


def kinds() -> str:
    """What each kind of probe takes besides."""
    found = sorted(probes.find_kinds().items())
    return "\n\n".join(
        f"### Probes of kind `{n}`\n\n{k.summary}.\n\n{settings((k.target, *k.settings))}" for n, k in found
    )


def channels() -> str:
    """What each kind of channel takes besides."""
    found = sorted(notify.find_kinds().items())
    return "\n\n".join(f"### Channels of kind `{n}`\n\n{k.summary}.\n\n{settings(k.settings)}" for n, k in found)


def signals() -> str:
    """Every signal."""
    rows = [
        (f"`{n}`", s.unit, f"{s.window.total_seconds():g} s", s.doc, f"`{expression(s)}`") for n, s in SIGNALS.items()
    ]
    return table(("signal", "unit", "window", "meaning", "as PromQL"), rows)


def causes() -> str:
    """Every cause code."""
    rows = sorted((f"`{c}`", f"`{n}`", doc) for n, p in find_providers().items() for c, doc in p.codes.items())
    rows += [(f"`{c}`", f"`{n}` probe", doc) for n, k in probes.find_kinds().items() for c, doc in k.codes.items()]
    own = (
        "`deploy.bad_release`",
        "diagnosis",
        "A release that was deployed just before the trouble, and still runs, fails",
    )
    return table(("code", "given by", "meaning"), sorted([*rows, own]))


def actions() -> str:
    """Every typed action of the Postgres provider: what its class says, and its arguments."""
    target = TargetConfig("shop", {"url": "postgresql://reader@db.example/shop"}, lambda: datetime.now(UTC))
    found = find_providers()["postgres"].open(target).actions
    rows = []
    for name, action in sorted(found.items()):
        what, _, arguments = cleandoc(type(action).__doc__ or "").replace("``", "`").partition("\n\n`args`: ")
        rows.append((f"`{name}`", action.effect.word, what, arguments))
    return table(("action", "effect", "what it does", "arguments"), rows)


def commands() -> str:
    """Every command and subcommand, with its options."""
    return "\n\n".join(_command(f"hutch {n}", resolve(place)) for n, (place, _) in sorted(COMMANDS.items()))


def _command(name: str, command: click.Command) -> str:
    parts = [f"## `{name}`\n\n{cleandoc(command.help or '')}"]
    rows = [(f"`{' '.join(p.opts)}`", p.help or "") for p in command.params if isinstance(p, click.Option)]
    arguments = " ".join(p.human_readable_name for p in command.params if isinstance(p, click.Argument))
    parts += [f"Arguments: `{arguments}`"] if arguments else []
    parts += [table(("option", "what it does"), rows)] if rows else []
    if isinstance(command, click.Group):
        parts += [_command(f"{name} {n}", c).replace("## ", "### ", 1) for n, c in sorted(command.commands.items())]
    return "\n\n".join(parts)


def lint() -> str:
    """Every rule of the lint."""
    rows = [(f"[`{r.code}`](lint/{r.code}.md)", r.level.value, r.name, r.summary) for r in RULES]
    return table(("code", "severity", "name", "what it finds"), rows)


def lint_pages() -> dict[Path, str]:
    """The page of every rule of the lint, by its place."""
    return {FOLDER / "lint" / f"{rule.code}.md": explained(rule, words_of(rule), linked=True) for rule in RULES}


MAKERS: dict[str, Callable[[], str]] = {
    "table: hutch.bootstrap.config.TOP": lambda: settings(config.TOP),
    "table: hutch.bootstrap.config.SERVICE": lambda: settings(config.SERVICE),
    "table: hutch.bootstrap.config.GUARDS": lambda: settings(config.GUARDS),
    "table: hutch.bootstrap.config.APPROVAL": lambda: settings(config.APPROVAL),
    "table: hutch.bootstrap.config.AUTONOMY": lambda: settings(config.AUTONOMY),
    "table: hutch.bootstrap.archiving.PLACE": lambda: settings(archiving.PLACE),
    "table: hutch.bootstrap.archiving.ARCHIVE": lambda: settings(archiving.ARCHIVE),
    "table: hutch.bootstrap.accessing.ACCESS": lambda: settings(accessing.ACCESS),
    "table: hutch.bootstrap.accessing.OPENID": lambda: settings(accessing.OPENID),
    "table: hutch.bootstrap.signals.WATCHDOG": lambda: settings(own_signals.WATCHDOG),
    "table: hutch.bootstrap.signals.SIGNAL": lambda: settings(own_signals.SIGNAL),
    "table: hutch.bootstrap.alerting.ALERTING": lambda: settings(alerting.ALERTING),
    "table: hutch.bootstrap.ingest.INGEST": lambda: settings(ingest.INGEST),
    "table: hutch.bootstrap.alerting.MAINTENANCE": lambda: settings(alerting.MAINTENANCE),
    "table: hutch.bootstrap.calendars.CALENDAR": lambda: settings(calendars.CALENDAR),
    "table: hutch.bootstrap.probes.PROBE": lambda: settings(probes.PROBE),
    "table: hutch.bootstrap.notify.NOTIFY": lambda: settings(notify.NOTIFY),
    "table: hutch.bootstrap.notify.CHANNEL": lambda: settings(notify.CHANNEL),
    "table: hutch.bootstrap.oncall.PERSON": lambda: settings(oncall.PERSON),
    "table: hutch.bootstrap.oncall.SCHEDULE": lambda: settings(oncall.SCHEDULE),
    "table: hutch.bootstrap.oncall.ROTATION": lambda: settings(oncall.ROTATION),
    "table: hutch.bootstrap.oncall.ESCALATION": lambda: settings(oncall.ESCALATION),
    "table: hutch.bootstrap.oncall.STEP": lambda: settings(oncall.STEP),
    "channels": channels,
    "probes": kinds,
    "providers": providers,
    "signals": signals,
    "causes": causes,
    "actions": actions,
    "commands": commands,
    "lint": lint,
}


def written(text: str) -> str:
    """The page with its generated parts as the code has them now."""

    def put(match: re.Match[str]) -> str:
        maker = MAKERS.get(match["what"])
        return f"{match[1]}<!-- begin -->\n\n{maker()}\n\n<!-- end -->\n" if maker else match[0]

    return MARK.sub(put, text)


def main() -> int:
    """Write the pages; with ``--check`` only say which ones are out of date."""
    pages = lint_pages()
    pages |= {page: written(page.read_text(encoding="utf-8")) for page in sorted(FOLDER.glob("*.md"))}
    stale = []
    for page, text in pages.items():
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(page.name)
            if "--check" not in sys.argv:
                page.parent.mkdir(exist_ok=True)
                page.write_text(text, encoding="utf-8")
    for page in set((FOLDER / "lint").glob("*.md")) - set(pages):
        stale.append(page.name)
        if "--check" not in sys.argv:
            page.unlink()
    if stale:
        print(f"docs/reference: {'out of date' if '--check' in sys.argv else 'written'}: {', '.join(stale)}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
