"""Hutch: incident response for teams whose runbooks are Markdown. The document is the program."""

__version__ = "0.1.0"
