"""No-faults that stand a step before a fault, and faults of the front door."""

from __future__ import annotations

from typing import Final

from rolerabbit.drills.fault import Fault

AT_THE_DOOR: Final[tuple[Fault, ...]] = (
    Fault(
        "door-shut",
        "the front door hangs up on every visitor, while the service behind it is well",
        "http.unreachable",
        "host",
        alert="Service Down",
        made_by="outside:door_shut",
    ),
    Fault(
        "door-failing",
        "the front door finds nobody behind it: 502 for every visitor, while the service answers whoever asks it",
        "http.error_rate",
        "host",
        alert="Service Down",
        made_by="outside:door_failing",
    ),
    Fault(
        "door-parked",
        "the front door has forgotten the site: 404 for every visitor",
        "http.unexpected",
        "host",
        alert="Service Down",
        made_by="outside:door_parked",
    ),
)

CALM: Final[tuple[Fault, ...]] = (
    Fault(
        "busy-row",
        "workers take turns at one row, each for a moment",
        spares=("the workers",),
        made_by="calm:busy_row",
    ),
    Fault(
        "one-deadlock",
        "two jobs met in a circle once; one tried again and was done",
        spares=("both jobs",),
        made_by="calm:one_deadlock",
    ),
    Fault(
        "one-big-sort",
        "a report sorts more than work_mem holds, once",
        spares=("the report's session",),
        made_by="calm:one_big_sort",
    ),
    Fault(
        "fresh-import",
        "a table was filled a moment ago, and autovacuum will come to it by itself",
        made_by="calm:fresh_import",
    ),
    Fault(
        "resting-slot",
        "a replica is being restarted: nobody reads its slot, and hardly anything is kept for it",
        made_by="calm:resting_slot",
    ),
    Fault(
        "roomy-pool",
        "a pooler keeps sessions ready that do nothing, as many as the server can spare",
        spares=("the pooler's sessions",),
        made_by="calm:roomy_pool",
    ),
    Fault(
        "forgotten-password",
        "somebody tries six passwords at the own account, and then remembers it",
        spares=("the account", "its owner's address"),
        made_by="everyday:forgotten_password",
    ),
    Fault(
        "own-copies",
        "eight users export their own data, each once and from home",
        spares=("their accounts",),
        made_by="everyday:own_copies",
    ),
    Fault(
        "tidying-up",
        "a user with many portfolios deletes own old ones",
        spares=("the account",),
        made_by="everyday:tidying_up",
    ),
    Fault(
        "robot",
        "a search engine's robot asks for pages that no longer exist: every answer is 404",
        spares=("the robot's address",),
        made_by="everyday:robot",
    ),
    Fault(
        "planned-restart",
        "an operator restarts the service, one replica after the other",
        made_by="everyday:planned_restart",
    ),
    Fault(
        "scaled-up",
        "an operator adds a replica before a campaign begins",
        made_by="everyday:scaled_up",
    ),
    Fault(
        "short-locks",
        "a tool takes the whole table for a moment, again and again",
        spares=("the tool's session",),
        made_by="calm:short_locks",
    ),
    Fault(
        "half-used-sequence",
        "a sequence that ends as an integer does is a little past its half",
        made_by="calm:half_used_sequence",
    ),
    Fault(
        "many-cache-clients",
        "workers keep forty connections to the cache open",
        made_by="calm:many_cache_clients",
    ),
)
