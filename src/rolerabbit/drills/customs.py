"""What people do by custom and what looks like an attack: exports and clean-ups, and programs that insist."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Final

from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.innocents import Account, Address
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.security import STAND_SECONDS, watched
from rolerabbit.drills.service import wait_for
from rolerabbit.drills.visitors import a_v4, attempt, log_in, people
from rolerabbit.seed import SEED_PASSWORD

DAYS: Final = 8
"""Days on which it was done as often before."""
EXPORTS: Final = 12
DELETIONS: Final = 30
PER_SECOND: Final = 3.0
OLD_PASSWORDS: Final = 6
"""Tries with the old password that is kept, until its owner types the new one."""
DEVICES: Final = 6

_HABIT: Final = """
INSERT INTO audit_logs (user_id, action, ip_address, details, created_at)
SELECT %s::uuid, %s, %s::inet, '{}', now() - make_interval(days => d, secs => n * 20)
FROM generate_series(1, %s) d, generate_series(1, %s) n"""
_SINCE: Final = "SELECT (now() - make_interval(days => %s))::text"
_VICTIMS: Final = """
SELECT id::text, updated_at::text FROM portfolios
WHERE deleted_at IS NULL AND user_id <> %s::uuid ORDER BY id LIMIT 2000"""
_MAKE_ADMIN: Final = "UPDATE users SET role = 'admin' WHERE id = %s::uuid"


@contextmanager
def nightly_export(scene: Scene) -> Iterator[Stand]:
    """An owner's job exports its account a dozen times, as it does every night."""
    service, dice = scene.service, scene.dice
    owner = sorted(people(service), key=lambda person: person.portfolios)[dice.randrange(10)]
    address = _by_custom(scene, owner.id, "data.exported", EXPORTS)
    token = log_in(service, dice, owner, address)
    export = partial(service.ask, "GET", "/api/account/export", token=token, address=address)
    done = 0

    def once() -> str:
        nonlocal done
        done += 1
        return str(export().status) if done <= EXPORTS else "done"

    with closing(Crowd(PER_SECOND, once, threads=1)) as job:
        wait_for(lambda: job.count("200") >= EXPORTS, STAND_SECONDS, "exports are given out")
        yield Stand(
            {},
            protected=(Account(owner.id), Address(address)),
            known={"address": address},
            counts=lambda: {"exports": job.count("200")},
        )


@contextmanager
def planned_deletion(scene: Scene) -> Iterator[Stand]:
    """An admin deletes abandoned portfolios of others, as many as on any day before."""
    service, dice = scene.service, scene.dice
    admin = dice.choice(people(service))
    address = _by_custom(scene, admin.id, "portfolio.deleted", DELETIONS)
    chosen = dice.sample(service.rows(_VICTIMS, admin.id), DELETIONS)
    scene.will_undo("admin", account=admin.id)
    service.rows(_MAKE_ADMIN, admin.id)
    token = log_in(service, dice, admin, address)
    scene.will_undo("portfolios", actor=admin.id, rows=chosen)
    left = iter([row[0] for row in chosen])

    def delete() -> str:
        portfolio = next(left, None)
        if portfolio is None:
            return "done"
        return str(service.ask("DELETE", f"/api/portfolios/{portfolio}", token=token, address=address).status)

    with closing(Crowd(PER_SECOND, delete, threads=1)) as clean_up:
        wait_for(lambda: clean_up.count("204") >= DELETIONS, STAND_SECONDS, "portfolios are deleted")
        yield Stand(
            {},
            protected=(Account(admin.id), Address(address)),
            known={"address": address},
            counts=lambda: {"deleted": clean_up.count("204")},
        )


@contextmanager
def old_password_kept(scene: Scene) -> Iterator[Stand]:
    """Password managers try the old password again and again, until their owners type the new one."""
    service, dice = scene.service, scene.dice
    owners = dice.sample(people(service), DEVICES)
    devices = [(owner, a_v4(dice)) for owner in owners]
    for _, address in devices:
        watched(scene, address)
    steps = iter(
        (owner.email, SEED_PASSWORD if number == OLD_PASSWORDS else "the password of last year", address)
        for owner, address in devices
        for number in range(OLD_PASSWORDS + 1)
    )

    def insist() -> str:
        step = next(steps, None)
        return "done" if step is None else str(attempt(service, *step).status)

    with closing(Crowd(PER_SECOND * 2, insist, threads=1)) as managers:
        wait_for(lambda: managers.count("200") >= DEVICES, STAND_SECONDS, "the owners log in")
        yield Stand(
            {},
            protected=[thing for owner, address in devices for thing in (Account(owner.id), Address(address))],
            known={"addresses": [address for _, address in devices]},
            counts=lambda: {f"answered_{status}": count for status, count in managers.counts.items()},
        )


def _by_custom(scene: Scene, account: str, action: str, times: int) -> str:
    """The address from which the account has done that as often on each of the last days; traces go at the end."""
    service, address = scene.service, a_v4(scene.dice)
    since = str(service.rows(_SINCE, DAYS + 2)[0][0])
    scene.will_undo("attack", network=address, account=None, since=since)
    service.rows(_HABIT, account, action, address, DAYS, times)
    return address
