"""Findings of a branch as it moves: which stay, come and go, and who is to mend them."""
