"""Runs the queue service itself, with real git and a real database, in simulated time."""
