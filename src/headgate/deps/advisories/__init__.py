"""Known advisories: records of the OSV schema, where they are kept, and whom they concern."""
