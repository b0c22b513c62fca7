"""Git: objects, diffs, merging, hosting. Everything goes through the git binary."""
