"""The lanes planner: best-first speculation over items that can affect each other. Pure."""
