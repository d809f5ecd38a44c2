"""Markdown <-> model: what a runbook document says, statement by statement (DESIGN §3). Pure; knows only the model."""
