"""The HTTP side: a thin shell over ``hutch.commands``."""
