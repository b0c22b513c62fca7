"""Read models: what each page shows, as plain dictionaries that are also its JSON."""
