"""Source analysis: analyzers, the identity of findings, and reports."""
