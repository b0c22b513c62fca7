"""Rules that users wrote for other tools, turned into rule packs."""
