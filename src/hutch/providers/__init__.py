"""One folder for each kind of outside system; found through the entry points of group ``hutch.providers``."""
