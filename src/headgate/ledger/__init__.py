"""The append-only record of every event, and how to verify it."""
