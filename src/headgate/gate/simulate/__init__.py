"""Runs the planners of the gate against simulated time, to compare policies on the same trace."""
