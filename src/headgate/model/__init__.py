"""The nouns of Headgate: frozen values and enums, without I/O or third-party imports."""
