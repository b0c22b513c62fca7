"""Package indexes: one module per protocol."""
