"""Events that lie in an archive may go, once a mark behind them in their stream says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is refused, told anew; the file holds several statements, which only the driver sends as they are."""
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
