"""Wires one database's backups: the catalogue, the actions, the check, and when they are due."""

from __future__ import annotations

from hutch.places import Where, open_place
from hutch.places.seal import ring
from hutch.ports import Connection, TargetConfig
from hutch.providers.backup import point_in_time, server
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.causes import CHECK
from hutch.providers.backup.checks import Age
from hutch.providers.backup.config import Config, config_from
from hutch.providers.backup.create import Create
from hutch.providers.backup.looks import Listing
from hutch.providers.backup.prune import Prune
from hutch.providers.backup.ready import CHECK as READY
from hutch.providers.backup.ready import Ready
from hutch.providers.backup.recover.target import offered
from hutch.providers.backup.timed import Calendar
from hutch.providers.backup.verify import Verify


def connect(target: TargetConfig) -> Connection:
    """The backups of a database. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    where = server.place(config.url)
    server.place(config.scratch_url)
    shelf = shelf_of(config, target.service)
    name = f"backups of {where} in {shelf.place.name}"
    listing, prove = Listing(shelf, config.keep, target.now), Verify(config, shelf, target.now)
    age = Age(config, shelf, where.rpartition("/")[2], name, target.now)
    recovery = offered(config, target.settings, shelf)
    return Connection(
        target=name,
        checks={CHECK: age, READY: Ready(config, name, target.now)},
        actions={
            "backup.create": Create(config, shelf, target.now, prove),
            "backup.verify": prove,
            "backup.prune": Prune(config, shelf),
            **recovery.actions,
            **point_in_time.deeds(config),
        },
        runs={"backup.list": listing.run, **recovery.runs, **point_in_time.questions(config)},
        scrape=age.scrape,
        timed=Calendar(age).timed(),
        close=recovery.close,
    )


def shelf_of(config: Config, service: str) -> Shelf:
    """The backups of a service. ``ValueError`` for a key that is none."""
    where = Where(config.to, config.region, config.endpoint, config.access_key_id, config.secret_access_key)
    return Shelf(open_place(where), service, ring(config.key, config.old_keys))
