"""Incidents and runs as JSON: stable keys, the same for the command line and the API."""

from __future__ import annotations

from typing import Any

from hutch.model.event import instant
from hutch.model.incident import Incident
from hutch.model.program import Item
from hutch.model.run import Chosen, Run


def incident_json(state: Incident) -> dict[str, Any]:
    """An incident, as JSON."""
    return {
        "id": state.id,
        "seq": state.seq,
        "title": state.title,
        "service": state.service,
        "severity": state.severity.label,
        "phase": str(state.phase),
        "open": state.open,
        "detected_at": instant(state.detected_at),
        "resolved_at": instant(state.resolved_at) if state.resolved_at else None,
        "acknowledged_by": state.acknowledged_by,
        "commander": state.commander,
        "roles": roles_json(state),
        "alerts": sorted(set(state.open_alerts.values())),
        "alerted": state.alerted,
        "firing": len(state.open_alerts) + state.counted_open,
        "resolution_proposed_at": instant(state.proposed_at) if state.proposed_at else None,
        "runs": list(state.runs),
        "held": state.held,
        "archived": {
            "archive": state.archived.archive,
            "place": state.archived.place,
            "events": state.archived.events,
            "at": instant(state.archived.at),
        }
        if state.archived
        else None,
        "cause": state.cause,
        **record_json(state),
        "clocks": [
            {"id": c.id, "due": instant(c.due), "state": str(c.state), "late_by": c.late_by.total_seconds()}
            for c in state.clocks
        ],
    }


def record_json(state: Incident) -> dict[str, Any]:
    """What is kept with it beside its course."""
    record, proposed, hit = state.record, state.record.proposal, state.record.affected
    return {
        "proposed_severity": {
            "severity": proposed.severity.label,
            "criterion": proposed.criterion,
            "condition": proposed.condition,
            "evidence": proposed.evidence,
            "at": instant(proposed.at),
            "by": proposed.by,
        }
        if proposed
        else None,
        "exercise": record.exercise,
        "private": record.private,
        "only": list(record.only),
        "affected": {
            "services": list(hit.services), "users": hit.users, "share": hit.share, "measured": record.measured,
        },
        "files": [
            {"event": f.seq, "name": f.name, "sha256": f.sha256, "size": f.size, "type": f.kind, "note": f.note,
             "by": f.by, "at": instant(f.at), "erased": f.erased}
            for f in record.files
        ],
        "pins": list(record.pins),
        "corrections": {str(seq): text for seq, text in record.corrections.items()},
    }  # fmt: skip


def roles_json(state: Incident) -> dict[str, list[dict[str, str]]]:
    """Who holds which role, since when, and who gave it."""
    return {
        role.value: [{"who": h.who, "since": instant(h.at), "by": h.by} for h in held]
        for role, held in state.roles.items()
        if held
    }


def state_of(found: Run) -> str:
    """Its outcome, or what it waits for."""
    return found.outcome or (f"waiting for {found.waiting}" if found.waiting else "running")


def run_summary(found: Run) -> dict[str, Any]:
    """One row of the list."""
    return {
        "id": found.id,
        "title": found.title,
        "service": found.service,
        "incident": found.incident,
        "state": state_of(found),
        "mode": found.mode,
    }


def run_json(found: Run) -> dict[str, Any]:
    """All of a run, as JSON."""
    return {
        **run_summary(found),
        "outcome": found.outcome,
        "waiting": found.waiting,
        "summary": found.summary,
        "healthy": found.healthy,
        "causes": list(found.causes),
        "read": dict(found.read),
        "options": [option_json(c) for c in found.chosen],
        "left_out": [{"title": title, "reason": reason} for title, reason in found.left_out],
        "captured": dict(found.captured),
        "secret": sorted(found.secret),
        "manual": [manual_json(i, found) for i in found.program.reads if i.manual],
        "skipped": [{"title": i.title, "text": i.command.text, "reason": i.refused} for i in found.program.skipped],
    }


def manual_json(item: Item, found: Run) -> dict[str, Any]:
    """A step that a person does while looking, and how far it is: ``open``, ``passed`` or ``failed``."""
    return {"id": item.id, "title": item.title, "text": item.manual, "state": found.read.get(item.id, "open")}


def option_json(chosen: Chosen) -> dict[str, Any]:
    """An offered option, as JSON."""
    return {
        "id": chosen.option.id,
        "number": chosen.option.number,
        "title": chosen.option.title,
        "state": str(chosen.state),
        "cause": chosen.option.cause,
        "why": chosen.option.why,
        "effect": chosen.option.effect.word,
        "statements": [i.command.text for i in chosen.option.items],
        "left_out": list(chosen.option.left_out),
        "done": chosen.done_items,
        "by_hand": chosen.next.manual if chosen.next else "",
        "target": chosen.target,
        "preview": dict(chosen.preview),
        "digest": chosen.digest,
        "approved_by": chosen.approved_by,
        "approvals": {"needed": chosen.needed, "given": list(chosen.approvals), "by": chosen.by},
        "expires_at": chosen.expires_at.isoformat() if chosen.expires_at else None,
        "reason": chosen.reason,
    }
