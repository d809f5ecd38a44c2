"""Why the platform refuses: each error carries its HTTP status and what to do about it."""

from __future__ import annotations


class PlatformError(Exception):
    """A request can't be done. ``status`` is the HTTP status, ``what_to_do`` the next step for a person."""

    status = 500

    def __init__(self, error: str, what_to_do: str) -> None:
        super().__init__(f"{error}: {what_to_do}")
        self.error = error
        self.what_to_do = what_to_do


class BadRequest(PlatformError):
    """The request itself is wrong."""

    status = 400


class Unauthorized(PlatformError):
    """A change was asked for without the token."""

    status = 401


class NotFound(PlatformError):
    """What was named isn't there."""

    status = 404


class Conflict(PlatformError):
    """It can't be done in the present state."""

    status = 409


class ComponentFailed(PlatformError):
    """A server beside the service didn't come up."""

    status = 502


class DeployFailed(PlatformError):
    """New replicas didn't come up; the old ones go on serving."""

    status = 502
