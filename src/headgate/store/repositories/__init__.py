"""One class per noun; each works inside one transaction."""
