"""People as a fault plays them: the seeded accounts, and addresses out of the networks for tests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from random import Random
from typing import Final

from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.service import Answer, Service
from rolerabbit.seed import SEED_HASH, SEED_PASSWORD

V4: Final = ipaddress.IPv4Network("198.19.0.0/16")
"""Half of the network that is set aside for tests; the usual visitors of the load come from the other half."""
V6: Final = ipaddress.IPv6Network("2001:db8::/32")

_SEEDED: Final = """
SELECT u.id::text, u.email, count(p.id) FROM users u
LEFT JOIN portfolios p ON p.user_id = u.id AND p.deleted_at IS NULL
WHERE u.password_hash = %s GROUP BY u.id HAVING count(p.id) > 0 ORDER BY u.email"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a seeded account. ``portfolios``: how many of them are there."""

    id: str
    email: str
    portfolios: int


def people(service: Service) -> list[Person]:
    """Every seeded account with portfolios. FaultError where there are none."""
    found = [Person(*row) for row in service.rows(_SEEDED, SEED_HASH)]
    if not found:
        raise FaultError("no seeded account is left: fill the database with `rolerabbit db seed`")
    return found


def attempt(service: Service, email: str, password: str, address: str) -> Answer:
    """One log-in from an address."""
    return service.ask("POST", "/api/auth/login", {"email": email, "password": password}, address=address)


def log_in(service: Service, dice: Random, who: Person | None, address: str) -> str:
    """A session's token for ``who``, or for anybody. FaultError where the service refuses."""
    person = who or dice.choice(people(service))
    answer = attempt(service, person.email, SEED_PASSWORD, address)
    if answer.status != 200:
        raise FaultError(f"{person.email} can't log in: the service answers {answer.status}")
    return str(answer.json["token"])


def a_v4(dice: Random) -> str:
    """An address of 198.19.0.0/16."""
    return str(V4[dice.randrange(1, V4.num_addresses - 1)])


def a_v6_network(dice: Random) -> ipaddress.IPv6Network:
    """A /64 of 2001:db8::/32, as one customer has it."""
    start = int(V6.network_address) + (dice.randrange(1, 2**32) << 64)
    return ipaddress.IPv6Network((start, 64))


def within(network: ipaddress.IPv6Network, dice: Random) -> str:
    """An address of the network."""
    return str(network[dice.randrange(1, 2**64)])
