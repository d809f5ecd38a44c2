"""Ranks and combines the causes that providers give, and sets them against what was changed lately. Pure."""
