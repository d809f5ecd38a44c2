"""``hutch breach assess | notify | letters | form | report | list``: what follows containment."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import click

from hutch.cli.asked import end_asked, yes_option
from hutch.cli.breach_steps import WAITING, changed, driving, heard
from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands.breach import lettering, remedies, telling
from hutch.commands.breach.course import load
from hutch.commands.breach.notices import file_notice
from hutch.commands.context import CommandError, Context
from hutch.commands.times import when
from hutch.model.run import Run
from hutch.review.breach_documents import Words, authority_form, report
from hutch.runbook.visible import visible

SHOWN = 20

summary_option = click.option("--summary", default="", help="What happened, in two or three sentences.")
people_option = click.option("--people", default="", help="How many it reached, where the assessment was done by hand.")
data_option = click.option("--data", default="", help="Which kinds of data, where the assessment was done by hand.")
span_option = click.option("--span", default="", help="From when to when, where the assessment was done by hand.")
contact_option = click.option("--contact", default="", help="Whom to ask: a name and an address that is answered.")


@click.command()
@click.argument("incident_id")
@click.option("--from", "since", required=True, help="The first trace, a time or 3h back.")
@click.option("--to", "until", default="", help="When the hole was closed; without it now.")
@click.option("--address", "addresses", multiple=True, help="Only what came from this address or network; repeat it.")
@click.option("--account", "accounts", multiple=True, help="Only what was done by this user id; repeat it.")
@click.option("--keep", is_flag=True, help="Keep it as evidence, and pass the gate with its figures.")
@as_json
def assess(
    incident_id: str,
    since: str,
    until: str,
    addresses: Sequence[str],
    accounts: Sequence[str],
    keep: bool,
    json_out: bool,
) -> None:
    """Whose data was reached, which kinds, from where, when. Personal data: it belongs into no update."""

    async def go(context: Context) -> dict[str, Any]:
        now = context.clock.now()
        ends = when(until, now, "--to") if until else now
        found = await telling.assess(context, incident_id, when(since, now, "--from"), ends, addresses, accounts)
        if keep:
            await telling.keep_assessment(context, incident_id, found, actor())
        return found

    found = with_context(go)
    emit(found) if json_out else _assessed(found)


def _assessed(found: dict[str, Any]) -> None:
    people = found["people"]
    click.echo(f"{len(people)} people; data: {', '.join(found['categories']) or 'none'}")
    read = ", ".join(f"{count} {visible(name) or 'not known'}" for name, count in found["languages"].items())
    click.echo(f"languages: {read or 'none'}")
    rows = [{**row, "addresses": len(row["addresses"]), "unusual": "yes" if row["unusual"] else ""} for row in people]
    table(
        rows[:SHOWN], ["account", "exported", "accessed", "usual", "unusual", "addresses"], "nobody's data was reached"
    )
    if len(people) > SHOWN:
        click.echo(f"… {len(people) - SHOWN} more; --json has all")
    if found["wide"]["times"]:
        said = f"{found['wide']['times']} reads of everybody's data by {found['wide']['accounts']} accounts"
        click.echo(f"{said}: they reached people who are not listed; see whose accounts those are")
    for row in found["suspicious"]:
        click.echo(f"{visible(row['event'])}: {row['events']} from {row['addresses']} addresses")


@click.command()
@click.argument("incident_id")
@click.option(
    "--template", "files", multiple=True, metavar="[LANGUAGE=]FILE",
    help="A file with the letter, as a template, instead of the usual one of that language; repeat it.",
)  # fmt: skip
@contact_option
@click.option("--preview", is_flag=True, help="Only show the letter, in every language.")
@click.option("--test", "to", default="", help="Send it to this one address of yours instead.")
@click.option("--language", default="", help="What to preview or to test: de; without it all, or the default one.")
@yes_option
@as_json
@click.pass_context
def notify(
    ctx: click.Context,
    incident_id: str,
    files: Sequence[str],
    contact: str,
    preview: bool,
    to: str,
    language: str,
    yes: bool,
    json_out: bool,
) -> None:
    """Write to those whom the assessment found, each once, in their language. The service sends at its own pace: see
    letters."""
    if to:

        def test(context: Context) -> Awaitable[Run]:
            given = _given(context, files)
            return lettering.try_letter(context, incident_id, given, contact, language, to, actor())

        end_asked(ctx, test, yes, json_out)
        return

    async def go(context: Context) -> tuple[str, Run | None]:
        state, found = await load(context, incident_id)
        given = _given(context, files)
        if preview:
            letters = lettering.drafted(context, state, found, contact, given)
            shown = [lettering.chosen(letters, language)] if language else letters
            return "\n".join(f"[{one.language}] {one.subject}\n\n{one.text}" for one in shown), None
        gate = await lettering.letters_gate(context, incident_id, given, contact)
        return "", await changed(context, incident_id, gate, yes)

    text, run = with_context(go)
    if text:
        click.echo(text, nl=False)
    elif run is not None:
        click.echo(f"run {run.id} waits: hutch runs show {run.id}, hutch runs approve {run.id}, then again", err=True)
        ctx.exit(WAITING)
    else:
        _letters(with_context(lambda context: telling.letters(context, incident_id)), json_out)


def _given(context: Context, files: Sequence[str]) -> dict[str, str]:
    """The templates of ``--template`` by their language."""
    found = {}
    for file in files:
        language, equals, path = file.partition("=")
        found[language if equals else context.config.notify.language] = _read(path if equals else file)
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--template {path}: cannot be read as text ({type(error).__name__})", 2) from error


@click.command()
@click.argument("incident_id")
@as_json
def letters(incident_id: str, json_out: bool) -> None:
    """How the letters stand: sent, waiting, failed, and why."""
    _letters(with_context(lambda context: telling.letters(context, incident_id)), json_out)


def _letters(found: dict[str, Any], json_out: bool) -> None:
    if json_out:
        emit(found)
        return
    click.echo(
        f"{found['letters']} letters: {found['sent']} sent, {found['waiting']} waiting, {found['failed']} failed"
    )
    for why in found["why"]:
        click.echo(f"not sent: {visible(why)}")


@click.command()
@click.argument("incident_id")
@summary_option
@contact_option
@click.option("--consequences", default="", help="What it may mean for the people concerned.")
@click.option("--measures", default="", help="What is proposed, and what makes the effects smaller.")
@click.option("--delay", default="", help="Why it comes after 72 hours, where it does.")
@people_option
@data_option
@span_option
@click.option("--sent", default="", help="It was sent, and how: keep it by its hash. The first one passes the gate.")
def form(incident_id: str, sent: str, **said: str) -> None:
    """Draft the notice to the authority (Art. 33(3) GDPR), in phases; square brackets are still to be said."""
    words = Words(**said)

    async def go(context: Context) -> str:
        state, found = await load(context, incident_id)
        if sent:
            return f"phase {await file_notice(context, incident_id, words, sent, actor())} is kept\n"
        return authority_form(state, found, words, context.clock.now())

    click.echo(with_context(go), nl=False)


@click.command("report")
@click.argument("incident_id")
@summary_option
@click.option("--cause", default="", help="What was exploited; without it how the hole was closed.")
@click.option("--lessons", default="", help="What would have shown or prevented it.")
@people_option
@data_option
@span_option
@click.option("--done", is_flag=True, help="Keep it, make its remediation list action items, and pass the last gate.")
def report_(incident_id: str, done: bool, **said: str) -> None:
    """The Security Incident Report, from the timeline."""
    words = Words(**said)

    async def go(context: Context) -> str:
        if done:
            await telling.finish(context, incident_id, words, actor())
        state, found = await load(context, incident_id)
        return report(state, found, words)

    click.echo(with_context(go), nl=False)


@click.command()
@click.argument("incident_id")
@yes_option
@click.pass_context
def reset(ctx: click.Context, incident_id: str, yes: bool) -> None:
    """Have every account choose a new password, and close the action item of it. Exit code 4 where it waits."""

    async def go(context: Context) -> Run | None:
        with heard():
            return await remedies.reset(context, incident_id, actor(), driving(yes))

    run = with_context(go)
    if run is not None:
        click.echo(f"run {run.id} waits: hutch runs show {run.id}, hutch runs approve {run.id}, then again", err=True)
        ctx.exit(WAITING)
    click.echo("every account had to choose a new password")


@click.command("list")
@click.option("--csv", "as_table", is_flag=True, help="As CSV, for the record that Art. 33(5) GDPR asks for.")
@click.option("--markdown", is_flag=True, help="As a Markdown table.")
@as_json
def list_(as_table: bool, markdown: bool, json_out: bool) -> None:
    """The register of breaches: all that you may see."""
    rows = with_context(telling.register)
    if as_table:
        click.echo(telling.as_csv(rows), nl=False)
    elif markdown:
        click.echo(telling.as_markdown(rows), nl=False)
    elif json_out:
        emit(rows)
    else:
        shown = [{**row, "code_name": visible(row["code_name"])} for row in rows]
        table(shown, ["incident", "code_name", "service", "aware_at", "contained_at", "people"], "no breach")
