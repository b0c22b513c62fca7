"""Pages for people, and the JSON of each at the same address with `.json`."""
