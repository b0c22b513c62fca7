"""Pipelines beside the gate: what runs on a push, a landing, a tag, a comment or a schedule."""
