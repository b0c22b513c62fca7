"""Results of other tools, taken in as if Headgate had found them itself."""
