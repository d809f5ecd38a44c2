"""Addresses and accounts that have nothing to do with an attack and must stay open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rolerabbit.drills.service import Service

_BLOCKED: Final = """
SELECT EXISTS (SELECT FROM ip_blocklist WHERE ip_address >>= %s::inet AND blocked_until > clock_timestamp())"""
_RESTRICTED: Final = """
SELECT EXISTS (SELECT FROM account_restrictions WHERE user_id = %s::uuid AND restricted_until > clock_timestamp())"""


@dataclass(frozen=True, slots=True)
class Address:
    """An address from which people visit."""

    address: str

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {"kind": "address", "id": self.address}

    def lost(self, service: Service) -> bool:
        """Whether it is blocked."""
        return is_blocked(service, self.address)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account."""

    id: str

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {"kind": "account", "id": self.id}

    def lost(self, service: Service) -> bool:
        """Whether it is restricted."""
        return is_restricted(service, self.id)


def is_blocked(service: Service, address: str) -> bool:
    """Whether the address, or a network that holds it, is on the blocklist now."""
    return bool(service.rows(_BLOCKED, address)[0][0])


def is_restricted(service: Service, account: str) -> bool:
    """Whether the account is restricted now, in whatever way."""
    return bool(service.rows(_RESTRICTED, account)[0][0])
