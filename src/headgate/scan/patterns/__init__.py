"""Patterns of code, as rules of a user's own write them: `subprocess.run($X, ...)`."""
