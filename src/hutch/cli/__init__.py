"""The command ``hutch``: thin shells over ``hutch.commands``. Nothing heavy is imported before it is needed."""

from hutch.cli.main import main

__all__ = ["main"]
