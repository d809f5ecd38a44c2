"""The page as Atlassian's Statuspage tells it at ``/api/v2/*.json``, so that its readers and tools work here too.

Keys, words and the newest-first order are those of its public documentation (Status API, version 2). Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hutch.model.event import instant
from hutch.model.statuspage import Component, Condition, Notice, Page, Planned, Shown, Told, opaque

MOST = 50
"""Notices of ``incidents.json``."""

Json = dict[str, Any]


def documents(page: Page) -> dict[str, Json]:
    """Every document by its path."""
    return {f"api/v2/{name}.json": {"page": _page(page), **make(page)} for name, make in _DOCUMENTS.items()}


def _summary(page: Page) -> Json:
    return {**_status(page), **_components(page), **_unresolved(page), **_upcoming(page, also="in_progress")}


def _status(page: Page) -> Json:
    return {"status": {"indicator": page.impact.value, "description": page.headline}}


def _components(page: Page) -> Json:
    rows = [_component(page, place, shown) for place, shown in enumerate(page.shown, start=1)]
    return {"components": [*rows, *_groups(page)]}


def _incidents(page: Page) -> Json:
    return {"incidents": [_incident(page, notice) for notice in page.notices[:MOST]]}


def _unresolved(page: Page) -> Json:
    return {"incidents": [_incident(page, notice) for notice in page.notices if notice.open]}


def _maintenances(page: Page) -> Json:
    return {"scheduled_maintenances": [_maintenance(page, one) for one in page.planned]}


def _upcoming(page: Page, also: str = "") -> Json:
    states = ("scheduled", also)
    mine = [one for one in page.planned if one.state(page.at) in states]
    return {"scheduled_maintenances": [_maintenance(page, one) for one in mine]}


def _active(page: Page) -> Json:
    mine = [one for one in page.planned if one.state(page.at) == "in_progress"]
    return {"scheduled_maintenances": [_maintenance(page, one) for one in mine]}


_DOCUMENTS: Mapping[str, Callable[[Page], Json]] = {
    "summary": _summary,
    "status": _status,
    "components": _components,
    "incidents": _incidents,
    "incidents/unresolved": _unresolved,
    "scheduled-maintenances": _maintenances,
    "scheduled-maintenances/upcoming": _upcoming,
    "scheduled-maintenances/active": _active,
}


# ------------------------------------------------------------------ the parts


def page_id(page: Page) -> str:
    """The page's own id."""
    return opaque("page", page.config.title)


def _page(page: Page) -> Json:
    return {
        "id": page_id(page),
        "name": page.config.title,
        "url": page.config.address,
        "time_zone": "Etc/UTC",
        "updated_at": _stamp(page.changed),
    }


def _component(page: Page, place: int, shown: Shown) -> Json:
    return _row(page, shown.component, shown.condition, place, shown.component.group)


def _row(page: Page, one: Component, condition: Condition, place: int, group: str) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "status": condition.value,
        "description": one.about or None,
        "position": place,
        "group_id": opaque("group", group) if group else None,
        "group": False,
        "page_id": page_id(page),
        "showcase": True,
        "only_show_if_degraded": False,
        "start_date": None,
        "created_at": _stamp(page.since),
        "updated_at": _stamp(page.changed),
    }


def _groups(page: Page) -> list[Json]:
    """A group is as bad as the worst of its components."""
    names = dict.fromkeys(s.component.group for s in page.shown if s.component.group)
    return [_group(page, name, len(page.shown) + place) for place, name in enumerate(names, start=1)]


def _group(page: Page, name: str, place: int) -> Json:
    mine = [s for s in page.shown if s.component.group == name]
    worst = max((s.condition for s in mine), key=lambda c: c.rank)
    row = _row(page, Component(name), worst, place, "")
    return {**row, "id": opaque("group", name), "group": True, "components": [s.component.id for s in mine]}


def _incident(page: Page, notice: Notice) -> Json:
    watched = next((t.at for t in notice.told if t.state == "monitoring"), None)
    now = notice.conditions
    places = {s.component.name: (place, s) for place, s in enumerate(page.shown, start=1)}
    mine = [(*places[name], condition) for name, condition in now.items() if name in places]
    return {
        "id": notice.id,
        "name": notice.name,
        "status": notice.state,
        "impact": notice.impact.value,
        "created_at": _stamp(notice.began),
        "started_at": _stamp(notice.began),
        "updated_at": _stamp(notice.changed),
        "monitoring_at": _stamp(watched) if watched else None,
        "resolved_at": _stamp(notice.resolved) if notice.resolved else None,
        "shortlink": f"{page.config.address}/incidents/{notice.id}.html",
        "page_id": page_id(page),
        "incident_updates": _updates(notice),
        "components": [_row(page, s.component, how, place, s.component.group) for place, s, how in mine],
    }


def _updates(notice: Notice) -> list[Json]:
    """The newest first."""
    before: dict[str, Condition] = {}
    rows: list[Json] = []
    for told in notice.told:
        rows.append(_update(notice, told, before))
        before |= told.conditions
    return rows[::-1]


def _update(notice: Notice, told: Told, before: Mapping[str, Condition]) -> Json:
    return {
        "id": told.id,
        "status": told.state,
        "body": told.body,
        "incident_id": notice.id,
        "created_at": _stamp(told.at),
        "display_at": _stamp(told.at),
        "updated_at": _stamp(told.at),
        "affected_components": [
            {
                "code": Component(name).id,
                "name": name,
                "old_status": before.get(name, Condition.OPERATIONAL).value,
                "new_status": condition.value,
            }
            for name, condition in told.conditions.items()
        ]
        or None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _maintenance(page: Page, one: Planned) -> Json:
    state = one.state(page.at)
    touched = touches(page, one)
    began = min(one.starts, page.changed)  # the same at every look: an ETag holds while nothing changes
    body = f"{one.name}: from {_stamp(one.starts)} to {_stamp(one.ends)}."
    row = {"id": opaque("word", one.id), "status": state, "body": body, "incident_id": one.id}
    times = {"created_at": _stamp(began), "display_at": _stamp(began), "updated_at": _stamp(began)}
    return {
        "id": one.id,
        "name": one.name,
        "status": state,
        "impact": "maintenance",
        "created_at": _stamp(began),
        "started_at": _stamp(one.starts),
        "updated_at": _stamp(began),
        "monitoring_at": None,
        "resolved_at": _stamp(one.ends) if state == "completed" else None,
        "scheduled_for": _stamp(one.starts),
        "scheduled_until": _stamp(one.ends),
        "shortlink": f"{page.config.address}/",
        "page_id": page_id(page),
        "incident_updates": [
            {
                **row,
                **times,
                "affected_components": None,
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
        ],
        "components": [_row(page, s.component, s.condition, n, s.component.group) for n, s in touched],
    }


def touches(page: Page, one: Planned) -> Sequence[tuple[int, Shown]]:
    """The components that planned work is about, each with its place."""
    numbered = enumerate(page.shown, start=1)
    return [(n, s) for n, s in numbered if not one.service or s.component.service == one.service]


def _stamp(at: datetime) -> str:
    return instant(at)
