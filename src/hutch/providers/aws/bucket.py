"""One S3 bucket that backups go to, by whoever makes them: is it there, is its newest object new, does it keep what is
overwritten?"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.amazon.calls import Calls, formed
from hutch.model.finding import Finding, Seen, Status
from hutch.providers.aws.config import Config
from hutch.remote import Refused, Silent

NEWEST, VERSIONING = "aws.bucket", "aws.bucket_versioning"
PAGE = 1000
"""Objects of one call, the most that S3 gives."""
MOST_PAGES = 50
"""Calls of one look: S3 lists by name and not by time, so the newest is known once all were seen."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The object that was written last, among ``objects``."""

    key: str
    at: datetime
    objects: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """Looks at it, and changes nothing."""

    read: Calls
    config: Config
    now: Callable[[], datetime]

    async def newest(self) -> Finding:
        """Check ``aws.bucket``: it answers, and an object was written within ``bucket_max_age``."""
        return await self._said(NEWEST, self._newest)

    async def versioning(self) -> Finding:
        """Check ``aws.bucket_versioning``: what is overwritten or deleted there can be had again."""
        return await self._said(VERSIONING, self._versioning)

    async def _said(self, check: str, look: Callable[[datetime], Awaitable[Seen]]) -> Finding:
        at, started = self.now(), time.monotonic()
        try:
            seen = await look(at)
        except (Refused, Silent) as error:
            seen = Seen(Status.UNKNOWN, str(error), reason=str(error))
        return seen.by(check, f"S3 {self.config.bucket}", at, time.monotonic() - started, matters=False)

    async def _newest(self, at: datetime) -> Seen:
        found, limit = await newest_of(self.read, self.config), self.config.bucket_max_age
        where = f"{self.config.bucket}/{self.config.bucket_prefix}"
        if found is None:
            return Seen(Status.BAD, f"{where} holds nothing", {"objects": 0})
        old = at - found.at
        data = {"newest": found.key, "age_hours": round(old.total_seconds() / 3600, 2), "objects": found.objects}
        told = f"the newest of {found.objects} objects in {where} is {_hours(old)} old: {found.key}"
        if limit and old > limit:
            return Seen(Status.BAD, f"{told}; bucket_max_age is {_hours(limit)}", data)
        return Seen(Status.OK, told, data)

    async def _versioning(self, _at: datetime) -> Seen:
        found = await self.read("s3", "get_bucket_versioning", Bucket=self.config.bucket)
        state = str(found.get("Status") or "never enabled")
        if state == "Enabled":
            return Seen(Status.OK, "versioning is on", {"versioning": state})
        lost = "what is overwritten or deleted there is gone for good"
        return Seen(Status.WARN, f"versioning is {state.lower()}: {lost}", {"versioning": state})


async def newest_of(read: Calls, config: Config) -> Newest | None:
    """The object of the prefix that was written last; None where there is none. :class:`Refused` where there are too
    many to be looked through."""
    newest: tuple[datetime, str] | None = None
    count, more = 0, dict[str, object]()
    for _ in range(MOST_PAGES):
        found = await read("s3", "list_objects_v2", Bucket=config.bucket, Prefix=config.bucket_prefix, **more)
        with formed("s3:ListBucket"):
            rows = [(row["LastModified"], str(row["Key"])) for row in found.get("Contents") or ()]
        count += len(rows)
        newest = max([*rows, *([newest] if newest else [])], default=None)
        if not found.get("IsTruncated") or not found.get("NextContinuationToken"):
            return Newest(newest[1], newest[0], count) if newest else None
        more = {"ContinuationToken": str(found["NextContinuationToken"])}
    raise Refused(f"{config.bucket} holds more than {count} objects there: give services.NAME.aws.bucket_prefix")


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:.1f} h"
