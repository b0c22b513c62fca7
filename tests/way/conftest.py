"""The stage is shared by the stories of a module."""

from way_support import stage

__all__ = ["stage"]
