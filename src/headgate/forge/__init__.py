"""Where changes come from, and where reports go to."""
