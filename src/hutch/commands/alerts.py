"""Takes alerts in, wherever they come from: an incident opens, one hears of it, or it is held back; never lost, never
doubled."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.commands.context import CommandError, Context
from hutch.commands.incidents import TRIES
from hutch.commands.intake import Intake, Receipt
from hutch.commands.seen import whole
from hutch.detection.facts import completed
from hutch.model.alert import Alert
from hutch.ports import Conflict

BATCH = 64
"""The most alerts that are written in one transaction."""


async def receive(context: Context, alerts: Sequence[Alert]) -> list[Receipt]:
    """Take in firings and resolutions, in the order that they came; all of a batch is durable when this returns.

    Up to :data:`BATCH` are one transaction, more are several. Delivered twice, an alert changes nothing, also when
    several processes hear of it at once. A resolution may come before its firing. What each became is the answer, in
    the same order. Raises what the store raises (``StoreFull``): then nothing of that transaction was written.
    """
    ready = [prepared(context, alert) for alert in alerts]
    receipts: list[Receipt] = []
    for start in range(0, len(ready), BATCH):
        receipts += await _write(context, ready[start : start + BATCH])
    context.vitals.heard((alert.source, receipt.outcome) for alert, receipt in zip(ready, receipts, strict=True))
    return receipts


async def recheck(context: Context, fingerprint: str) -> None:
    """Look again at what is held back, or comes and goes: it may be free, or still, by now."""
    await _write(context, [], [fingerprint])


def prepared(context: Context, alert: Alert) -> Alert:
    """Completed, bounded and masked: as it is compared, stored and shown."""
    config = context.config
    found = completed(alert, list(context.services), config.rules, config.alerting.severities)
    return found.with_texts(context.secrets.mask)


async def _write(context: Context, alerts: Sequence[Alert], again: Sequence[str] = ()) -> list[Receipt]:
    board, store = context.board, whole(context.store)
    async with board.lock:
        for _ in range(TRIES):
            await board.catch_up(store, context.clock.now())
            known = await board.firings(store, [*(a.fingerprint for a in alerts), *again])
            gone = await board.over(store, (k.incident for k in known.values() if k.alert and (k.told or k.counted)))
            intake = Intake(context, known, gone)
            receipts = [intake.take(alert) for alert in alerts]
            await _release(context, intake, again)
            intake.finish()
            if not intake.drafts and not intake.jobs:
                return receipts
            try:
                written = await store.commit(intake.appends(), intake.jobs)
            except Conflict:
                board.forget(intake.firings)
                continue
            await board.adopt(store, written)
            return receipts
    raise CommandError("alerts are being taken in by too many at once; try again")


async def _release(context: Context, intake: Intake, again: Sequence[str]) -> None:
    """Look again at what was asked for, and at what is held back on a service where an alert just ended."""
    board = context.board
    services = {state.service for name in intake.ended if (state := intake.incident(name))}
    held = [f for f, service in board.held.items() if service in services][:BATCH]
    unread = [f for f in held if f not in intake.firings]
    intake.firings.update(await board.firings(whole(context.store), unread))
    for fingerprint in dict.fromkeys([*again, *held]):
        intake.reconsider(fingerprint)
