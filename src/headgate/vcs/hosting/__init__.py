"""Serving repositories to git clients, and asking the server about every push."""
