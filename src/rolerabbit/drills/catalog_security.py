"""What thieves of tokens do, and what people and their programs do that only looks like an attack."""

from __future__ import annotations

from typing import Final

from rolerabbit.drills.fault import Fault

OF_THIEVES: Final[tuple[Fault, ...]] = (
    Fault(
        "replayed-token",
        "a token that was stolen is used after its owner has logged out, from an address or a /64 of its own",
        "security.unauthorized_access",
        "address",
        ("block.add",),
        ("the owner's account", "the owner's address"),
        made_by="tokens:replayed_token",
    ),
)
LIKE_THIEVES: Final[tuple[Fault, ...]] = (
    Fault(
        "untold-checker",
        "a health checker goes on with an API token that was ended, from where it always asked",
        spares=("the checker's address", "its owner's account"),
        made_by="tokens:untold_checker",
    ),
    Fault(
        "nightly-export",
        "an owner's job exports its account a dozen times, as it does every night",
        spares=("the account", "its address"),
        made_by="customs:nightly_export",
    ),
    Fault(
        "planned-deletion",
        "an admin deletes abandoned portfolios of others, as many as on any day before",
        spares=("the admin's account", "its address"),
        made_by="customs:planned_deletion",
    ),
    Fault(
        "old-password-kept",
        "password managers try the old password six times each, until their owners type the new one",
        spares=("the owners' accounts", "their addresses"),
        made_by="customs:old_password_kept",
    ),
)
