"""Files that a user meets, by name."""

from __future__ import annotations

PROJECT_FILE = "headgate.toml"
"""What a project says of itself, at its root."""
