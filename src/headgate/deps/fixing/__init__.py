"""Fixes: the smallest version changes that leave no known advisory, and the files that say so."""
