"""Everything that this provider can do to a database, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hutch.ports import Action
from hutch.providers.postgres.actions import EndSessions
from hutch.providers.postgres.client import Client
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.index_actions import CreateIndex
from hutch.providers.postgres.index_drops import DropIndex
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.reindex import Reindex
from hutch.providers.postgres.remedies import (
    ANALYZE,
    CREATE_INDEX,
    DROP_INDEX,
    DROP_SLOT,
    ENABLE_TRIGGER,
    END_SESSIONS,
    EXTEND_SEQUENCE,
    REINDEX,
    SET_ROLE_TIMEOUT,
    VACUUM,
    VALIDATE_CONSTRAINT,
)
from hutch.providers.postgres.role_actions import SetRoleTimeout
from hutch.providers.postgres.sequence_actions import ExtendSequence
from hutch.providers.postgres.slot_actions import DropSlot
from hutch.providers.postgres.table_actions import EnableTrigger, ValidateConstraint
from hutch.providers.postgres.upkeep import Analyze, Vacuum


def actions(client: Client, operator: Operator, owner: Operator, config: Config) -> Mapping[str, Action]:
    """What belongs to the tables' owner goes under the owner's login, all else under the operator's."""
    return {
        END_SESSIONS: EndSessions(client, operator, config),
        SET_ROLE_TIMEOUT: SetRoleTimeout(client, operator, config),
        DROP_SLOT: DropSlot(client, operator, config),
        CREATE_INDEX: CreateIndex(client, owner, config),
        DROP_INDEX: DropIndex(client, owner, config),
        REINDEX: Reindex(client, owner, config),
        ANALYZE: Analyze(client, owner, config),
        VACUUM: Vacuum(client, owner, config),
        EXTEND_SEQUENCE: ExtendSequence(client, owner, config),
        VALIDATE_CONSTRAINT: ValidateConstraint(client, owner, config),
        ENABLE_TRIGGER: EnableTrigger(client, owner, config),
    }
