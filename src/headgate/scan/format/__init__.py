"""Output formats: one interface and one file per format."""

from __future__ import annotations

from importlib import import_module

from headgate.scan.format.interface import Format, Report

__all__ = ["FORMATS", "Format", "Report", "by_name"]

FORMATS = {
    "text": "text",
    "json": "json_",
    "sarif": "sarif",
    "github": "github",
    "junit": "junit",
    "html": "html",
}
"""Name → module of this package that has a `render`."""


def by_name(name: str) -> Format:
    """The format with this name. Raises KeyError for any but those in `FORMATS`."""
    module = import_module(f"headgate.scan.format.{FORMATS[name]}")
    return module.render
