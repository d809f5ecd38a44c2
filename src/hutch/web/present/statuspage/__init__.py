"""The public page as files: HTML, Statuspage's JSON, an Atom feed: the same whether served or kept."""

from hutch.web.present.statuspage.files import files

__all__ = ["files"]
