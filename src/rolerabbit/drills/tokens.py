"""Old tokens: in a thief's hands, and in a health checker that was not told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from typing import Final

from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.innocents import Account, Address, is_blocked
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.security import STAND_SECONDS, watched
from rolerabbit.drills.service import wait_for
from rolerabbit.drills.visitors import a_v4, a_v6_network, log_in, people, within

PER_SECOND: Final = 4.0
NOTED: Final = 15
CHECKS_PER_SECOND: Final = 2.0
CHECKS: Final = 16
PATHS: Final = ("/api/auth/me", "/api/account/profile", "/api/portfolios", "/api/account/export")
_NOTES: Final = """
SELECT count(*) FROM security_logs
WHERE event_type = 'UNAUTHORIZED_ACCESS' AND ip_address <<= %s::inet AND created_at >= %s::timestamptz"""


@contextmanager
def replayed_token(scene: Scene) -> Iterator[Stand]:
    """A token that was stolen is used after its owner has logged out, from an address that the owner never had."""
    service, dice = scene.service, scene.dice
    owner = dice.choice(people(service))
    home, sixth = a_v4(dice), a_v6_network(dice) if dice.random() < 0.5 else None
    network = str(sixth) if sixth else a_v4(dice)
    watched(scene, home)
    since = watched(scene, network, owner.id)
    token = log_in(service, dice, owner, home)
    if service.ask("POST", "/api/auth/logout", token=token, address=home).status != 204:
        raise FaultError(f"{owner.email} can't log out")
    wanted = cycle(PATHS)

    def replay() -> str:
        address = within(sixth, dice) if sixth else network
        return str(service.ask("GET", next(wanted), token=token, address=address).status)

    with closing(Crowd(PER_SECOND, replay, threads=1)) as thief:
        wait_for(lambda: service.rows(_NOTES, network, since)[0][0] >= NOTED, STAND_SECONDS, "old tokens are noted")
        yield Stand(
            {"kind": "address", "id": network},
            remedied=lambda: is_blocked(service, network),
            protected=(Account(owner.id), Address(home)),
            known={"since": since},
            counts=lambda: {f"answered_{status}": count for status, count in thief.counts.items()},
        )


@contextmanager
def untold_checker(scene: Scene) -> Iterator[Stand]:
    """A health checker goes on with an API token that was ended, from where it always asked."""
    service, dice = scene.service, scene.dice
    owner, home, checker = dice.choice(people(service)), a_v4(dice), a_v4(dice)
    watched(scene, home)
    watched(scene, checker)
    session = log_in(service, dice, owner, home)
    made = service.ask("POST", "/api/account/tokens", {"label": "health checker"}, token=session, address=home)
    if made.status != 201:
        raise FaultError(f"no API token for {owner.email}: the service answers {made.status}")
    token = str(made.json["token"])

    def check() -> str:
        return str(service.ask("GET", PATHS[0], token=token, address=checker).status)

    if check() != "200":
        raise FaultError("a fresh API token is refused")
    for found in service.ask("GET", "/api/account/sessions", token=session, address=home).json:
        if found["label"] == "health checker":
            service.ask("DELETE", f"/api/account/sessions/{found['id']}", token=session, address=home)
    with closing(Crowd(CHECKS_PER_SECOND, check)) as crowd:
        wait_for(lambda: crowd.count("401") >= CHECKS, STAND_SECONDS, "the checker is refused")
        yield Stand(
            {},
            protected=(Address(checker), Address(home), Account(owner.id)),
            known={"address": checker},
            counts=lambda: {f"answered_{status}": count for status, count in crowd.counts.items()},
        )
