"""Lets `python -m rolerabbit` do what the `rolerabbit` command does."""

from __future__ import annotations

from rolerabbit.cli import main

if __name__ == "__main__":
    main()
