"""The server: intake, verdicts, pages, API and git over one port."""
