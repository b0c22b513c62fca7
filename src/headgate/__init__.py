"""Headgate: a self-hosted gate between AI-written code and production."""

__version__ = "0.1.0"
