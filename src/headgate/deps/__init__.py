"""Packages that a project depends on: which are declared, which are new, which exist."""
