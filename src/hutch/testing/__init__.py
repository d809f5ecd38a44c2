"""Fakes that behave as the real thing does, and the kit that every provider has to pass.

The tests of the store and of the queue run the same contract over these and over SQLite.
"""

from hutch.testing.clock import START, FakeClock, FakeSecrets
from hutch.testing.kit import check_provider
from hutch.testing.memory import MemoryQueue, MemoryStore

__all__ = ["START", "FakeClock", "FakeSecrets", "MemoryQueue", "MemoryStore", "check_provider"]
