"""Rule packs: what frameworks and libraries mean, as data."""
