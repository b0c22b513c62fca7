"""Analyzers: one interface and one file per implementation."""
