"""Readers of the two files a user writes: a project's headgate.toml, and policy.toml."""
