"""Front ends: source text to the intermediate representation, one per language."""
