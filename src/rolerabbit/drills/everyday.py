"""No-faults that people and their operators make every day: they look like an attack, a crash or an outage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.innocents import Account, Address
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.security import STAND_SECONDS, watched
from rolerabbit.drills.service import wait_for
from rolerabbit.drills.visitors import a_v4, attempt, log_in, people
from rolerabbit.seed import SEED_PASSWORD

TYPOS: Final = 6
"""Wrong passwords before the right one comes to mind: fewer than an attack needs."""
EXPORTERS: Final = 8
"""Users who take a copy of their own data home, each once."""
GUESSES_PER_SECOND: Final = 10.0
MISSED: Final = 40
"""Pages that do not exist, before the drill begins to count."""

_LARGEST: Final = """
SELECT user_id::text, array_agg(id::text), array_agg(updated_at::text) FROM portfolios
WHERE deleted_at IS NULL AND user_id = ANY(%s::uuid[]) GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT 10"""


@contextmanager
def forgotten_password(scene: Scene) -> Iterator[Stand]:
    """Somebody tries one password after the other at the own account, and then remembers it."""
    service, dice = scene.service, scene.dice
    person, address = dice.choice(people(service)), a_v4(dice)
    watched(scene, address, person.id)
    for number in range(TYPOS):
        attempt(service, person.email, f"{SEED_PASSWORD}{number}", address)
    log_in(service, dice, person, address)
    yield Stand({}, protected=(Account(person.id), Address(address)))


@contextmanager
def own_copies(scene: Scene) -> Iterator[Stand]:
    """Users export their own data after a letter about new terms, each once and from home."""
    service, dice = scene.service, scene.dice
    users = dice.sample(people(service), EXPORTERS)
    for user in users:
        address = a_v4(dice)
        watched(scene, address, user.id)
        service.ask("GET", "/api/account/export", token=log_in(service, dice, user, address), address=address)
    yield Stand({}, protected=[Account(user.id) for user in users])


@contextmanager
def tidying_up(scene: Scene) -> Iterator[Stand]:
    """A user with many portfolios deletes own old ones, one by one."""
    service, dice = scene.service, scene.dice
    known = {person.id: person for person in people(service)}
    rows = service.rows(_LARGEST, list(known))
    account, portfolios, times = dice.choice(rows)
    address = a_v4(dice)
    watched(scene, address, account)
    token = log_in(service, dice, known[account], address)
    chosen = list(zip(portfolios, times, strict=True))[: max(len(portfolios) // 2, 1)]
    scene.will_undo("portfolios", actor=account, rows=chosen)
    for portfolio, _ in chosen:
        service.ask("DELETE", f"/api/portfolios/{portfolio}", token=token, address=address)
    yield Stand({}, protected=(Account(account),), counts=lambda: {"deleted": len(chosen)})


@contextmanager
def robot(scene: Scene) -> Iterator[Stand]:
    """A search engine's robot asks for pages that no longer exist: every answer is 404, and none is an error."""
    service, dice, address = scene.service, scene.dice, a_v4(scene.dice)
    watched(scene, address)

    def visit() -> str:
        return str(service.ask("GET", f"/p/gone-{dice.getrandbits(40):010x}", address=address).status)

    with closing(Crowd(GUESSES_PER_SECOND, visit)) as crowd:
        wait_for(lambda: crowd.count("404") >= MISSED, STAND_SECONDS, "the robot is told that pages do not exist")
        yield Stand({}, protected=(Address(address),), counts=lambda: {"missing": crowd.count("404")})


@contextmanager
def planned_restart(scene: Scene) -> Iterator[Stand]:
    """An operator restarts the service, one replica after the other."""
    service = scene.service
    before = {replica["pid"] for replica in service.status()["replicas"]}
    service.platform.post("/restart")
    wait_for(lambda: before.isdisjoint(r["pid"] for r in service.status()["replicas"]), STAND_SECONDS, "all are new")
    yield Stand({}, counts=lambda: {"restarted": len(before)})


@contextmanager
def scaled_up(scene: Scene) -> Iterator[Stand]:
    """An operator adds a replica before a campaign begins."""
    service, status = scene.service, scene.service.status()
    replicas = len(status["replicas"])
    scene.will_undo("scale", replicas=replicas, pool_size=status["pool_size"])
    service.platform.post("/scale", {"replicas": replicas + 1})
    wait_for(lambda: len(service.status()["replicas"]) > replicas, STAND_SECONDS, "there is one more")
    yield Stand({}, counts=lambda: {"replicas": replicas + 1})
