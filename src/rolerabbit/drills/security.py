"""Faults that people make: passwords tried, data carried off, work of others deleted; and log-ins that look bad."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import cycle
from typing import Any, Final

import redis

from rolerabbit.drills.cache import client_of
from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.innocents import Account, Address, is_blocked, is_restricted
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.drills.visitors import Person, a_v4, a_v6_network, attempt, log_in, people, within
from rolerabbit.seed import SEED_PASSWORD

COUNTERS: Final = "rr:rate:*"
STAND_SECONDS: Final = 40.0
ATTEMPTS_PER_SECOND: Final = 15.0
ATTACKED: Final = 20
FAILURES: Final = 30
EXPORTS_PER_SECOND: Final = 5.0
EXPORTS: Final = 15
DELETIONS_PER_SECOND: Final = 6.0
DELETIONS: Final = 25
DELETED_AT_MOST: Final = 900
NAT_USERS: Final = 40
NAT_PER_SECOND: Final = 2.0
TYPO_OF: Final = 12
"""One in so many log-ins behind the shared address has a typo."""

_NOW: Final = "SELECT now()::text"
_FAILURES: Final = """
SELECT count(*) FROM security_logs
WHERE event_type = 'LOGIN_FAILURE' AND ip_address <<= %s::inet AND created_at >= %s::timestamptz"""
_VICTIMS: Final = """
SELECT id::text, updated_at::text FROM portfolios
WHERE deleted_at IS NULL AND user_id <> %s::uuid ORDER BY id LIMIT 5000"""
_MAKE_ADMIN: Final = "UPDATE users SET role = 'admin' WHERE id = %s::uuid"


@contextmanager
def brute_force(scene: Scene) -> Iterator[Stand]:
    """Passwords are tried on many accounts from one IPv4 address, or all over one /64, as the seed says."""
    service, dice = scene.service, scene.dice
    sixth = a_v6_network(dice) if dice.random() < 0.5 else None
    network = str(sixth) if sixth else a_v4(dice)
    targets = dice.sample(people(service), ATTACKED)
    office = _office(scene, targets[:3])
    since = watched(scene, network)

    def guess() -> str:
        address = within(sixth, dice) if sixth else network
        return str(attempt(service, dice.choice(targets).email, f"guess-{dice.randrange(10**6)}", address).status)

    with closing(Crowd(ATTEMPTS_PER_SECOND, guess)) as attacker:
        _until(lambda: service.rows(_FAILURES, network, since)[0][0] >= FAILURES, "log-ins fail")
        yield Stand(
            {"kind": "address", "id": network},
            remedied=lambda: is_blocked(service, network),
            protected=(office, *(Account(target.id) for target in targets)),
            known={"since": since},
            counts=lambda: {f"answered_{status}": count for status, count in attacker.counts.items()},
        )


@contextmanager
def export_storm(scene: Scene) -> Iterator[Stand]:
    """Somebody who has another's password exports that account's data again and again."""
    service, dice = scene.service, scene.dice
    everybody = sorted(people(service), key=lambda person: -person.portfolios)
    victim, others = everybody[dice.randrange(10)], everybody[-2:]
    address = a_v4(dice)
    since = watched(scene, address, victim.id)
    token = log_in(service, dice, victim, address)
    export = partial(service.ask, "GET", "/api/account/export")
    for other in others:
        export(token=log_in(service, dice, other, _own_address(scene)))
    with closing(Crowd(EXPORTS_PER_SECOND, lambda: str(export(token=token, address=address).status))) as thief:
        _until(lambda: thief.count("200") >= EXPORTS, "exports are given out")
        yield Stand(
            {"kind": "account", "id": victim.id},
            remedied=lambda: is_restricted(service, victim.id) or is_blocked(service, address),
            protected=[Account(other.id) for other in others],
            known={"address": address, "since": since},
            counts=lambda: {"exports": thief.count("200"), "refused": thief.total - thief.count("200")},
        )


@contextmanager
def mass_deletion(scene: Scene) -> Iterator[Stand]:
    """Somebody who has an admin's password deletes the portfolios of many users."""
    service, dice = scene.service, scene.dice
    actor, bystander = dice.sample(people(service), 2)
    address = a_v4(dice)
    victims = service.rows(_VICTIMS, actor.id)
    chosen = dice.sample(victims, min(DELETED_AT_MOST, len(victims) // 2))
    since = watched(scene, address, actor.id)
    scene.will_undo("admin", account=actor.id)
    service.rows(_MAKE_ADMIN, actor.id)
    token = log_in(service, dice, actor, address)
    log_in(service, dice, bystander, _own_address(scene))
    scene.will_undo("portfolios", actor=actor.id, rows=chosen)
    remaining = iter([row[0] for row in chosen])

    def delete() -> str:
        portfolio = next(remaining, None)
        if portfolio is None:
            return "none left"
        return str(service.ask("DELETE", f"/api/portfolios/{portfolio}", token=token, address=address).status)

    with closing(Crowd(DELETIONS_PER_SECOND, delete)) as thief:
        _until(lambda: thief.count("204") >= DELETIONS, "portfolios of others are deleted")
        yield Stand(
            {"kind": "account", "id": actor.id},
            remedied=lambda: is_restricted(service, actor.id) or is_blocked(service, address),
            protected=(Account(bystander.id),),
            known={"address": address, "since": since, "accept": []},
            counts=lambda: {"deleted": thief.count("204"), "refused": thief.count("401") + thief.count("403")},
        )


@contextmanager
def nat_logins(scene: Scene) -> Iterator[Stand]:
    """Forty users behind one address log in; now and then somebody mistypes."""
    service, dice = scene.service, scene.dice
    address = a_v4(dice)
    watched(scene, address)
    users = cycle(dice.sample(people(service), NAT_USERS))

    def visit() -> str:
        password = SEED_PASSWORD[:-1] if dice.randrange(TYPO_OF) == 0 else SEED_PASSWORD
        return str(attempt(service, next(users).email, password, address).status)

    with closing(Crowd(NAT_PER_SECOND, visit)) as crowd:
        _until(lambda: crowd.count("200") >= NAT_USERS // 4, "users log in")
        yield Stand(
            {},
            protected=(Address(address),),
            known={"address": address},
            counts=lambda: {f"answered_{status}": count for status, count in crowd.counts.items()},
        )


# ------------------------------------------------------------------ ways back

_UNBLOCK: Final = """
UPDATE ip_blocklist SET blocked_until = now()
WHERE blocked_until > now() AND (ip_address >>= %(network)s::inet OR ip_address <<= %(network)s::inet)"""
_UNRESTRICT: Final = """
UPDATE account_restrictions SET restricted_until = now()
WHERE restricted_until > now() AND created_at >= %(since)s::timestamptz AND user_id = %(account)s::uuid"""
_FORGET: Final = "DELETE FROM {table} WHERE ip_address <<= %(network)s::inet AND created_at >= %(since)s::timestamptz"
_TRAILS: Final = ("security_logs", "audit_logs", "user_sessions")
_RESTORE: Final = """
UPDATE portfolios p SET deleted_at = NULL, deleted_by = NULL, updated_at = was.updated_at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS was (id, updated_at)
WHERE p.id = was.id AND p.deleted_by = %s::uuid"""
_MAKE_MEMBER: Final = "UPDATE users SET role = 'member' WHERE id = %s::uuid"


def undo_attack(service: Service, step: Mapping[str, Any]) -> None:
    """Blocks and restrictions that met the attacker end, and so do the traces: the next drill must not find them.

    The service's rate limits start anew.
    """
    with service.connect("superuser", "rolerabbit-fault") as connection, connection.transaction():
        connection.execute(_UNBLOCK.encode(), step)
        connection.execute(_UNRESTRICT.encode(), step)
        for table in _TRAILS:
            connection.execute(_FORGET.format(table=table).encode(), step)
    with contextlib.suppress(redis.ConnectionError), client_of(service) as client:
        for key in client.scan_iter(COUNTERS, count=1000):
            client.unlink(key)


def undo_admin(service: Service, step: Mapping[str, Any]) -> None:
    """The account is a member's again."""
    service.rows(_MAKE_MEMBER, step["account"])


def undo_portfolios(service: Service, step: Mapping[str, Any]) -> None:
    """What that account deleted and nobody has brought back is there again, as it was."""
    rows: Sequence[Sequence[str]] = step["rows"]
    service.rows(_RESTORE, [row[0] for row in rows], [row[1] for row in rows], step["actor"])


# ------------------------------------------------------------------ parts


def watched(scene: Scene, network: str, account: str | None = None) -> str:
    """Put the end of the attack on record; the moment from which its traces count."""
    since = str(scene.service.rows(_NOW)[0][0])
    scene.will_undo("attack", network=network, account=account, since=since)
    return since


def _own_address(scene: Scene) -> str:
    """An address whose traces are taken away too."""
    address = a_v4(scene.dice)
    watched(scene, address)
    return address


def _office(scene: Scene, users: Sequence[Person]) -> Address:
    """An address from which some of the attacked users log in as they should."""
    address = _own_address(scene)
    for user in users:
        log_in(scene.service, scene.dice, user, address)
    return Address(address)


def _until(condition: Any, what: str) -> None:
    wait_for(condition, STAND_SECONDS, what)
