"""The way of a change through the server: intake, inspection, decision."""
