"""``hutch incident assign | release | roles``: who does what."""

from __future__ import annotations

import click

from hutch.cli.shell import actor, as_json, emit, with_context
from hutch.commands import incidents
from hutch.commands.views import incident_json, roles_json
from hutch.model.incident import Incident
from hutch.model.roles import Role

role_option = click.option(
    "--role", type=click.Choice([r.value for r in Role]), default=Role.COMMANDER.value, show_default=True
)


@click.command()
@click.argument("incident_id")
@click.argument("who")
@role_option
@click.option("--reason", default="", help="Needed to hand over a role that somebody holds.")
@as_json
def assign(incident_id: str, who: str, role: str, reason: str, json_out: bool) -> None:
    """Give WHO a role in the incident: commander, scribe, communications or responder."""
    work = with_context(lambda c: incidents.assign(c, incident_id, who, actor(), Role(role), reason))
    _shown(work, json_out)


@click.command()
@click.argument("incident_id")
@role_option
@click.option("--who", default="", help="Of several responders this one.")
@click.option("--reason", required=True)
@as_json
def release(incident_id: str, role: str, who: str, reason: str, json_out: bool) -> None:
    """Lay a role down; nobody has it then."""
    _shown(with_context(lambda c: incidents.release(c, incident_id, Role(role), who, reason, actor())), json_out)


@click.command()
@click.argument("incident_id")
@as_json
def roles(incident_id: str, json_out: bool) -> None:
    """Who does what in the incident, since when."""
    state = with_context(lambda c: incidents.load(c, incident_id))
    emit(roles_json(state)) if json_out else _shown(state, False)


@click.command()
@click.argument("incident_id")
@click.argument("who")
@as_json
def admit(incident_id: str, who: str, json_out: bool) -> None:
    """Let WHO, by the name of their account, in to a private incident."""
    _shown(with_context(lambda c: incidents.admit(c, incident_id, who, actor())), json_out)


def _shown(state: Incident, json_out: bool) -> None:
    if json_out:
        emit(incident_json(state))
        return
    click.echo(f"{state.id}  {state.severity.label}  {state.title}")
    for role in Role:
        held = ", ".join(f"{h.who} (since {h.at:%H:%M} UTC)" for h in state.roles.get(role, ())) or "nobody"
        click.echo(f"  {role.value:<15} {held}")
