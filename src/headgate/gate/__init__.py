"""The gate: items wait, are tested in assumed futures, and land or leave with a reason."""
