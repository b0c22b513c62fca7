"""Reading of configuration and infrastructure as code, with the place of everything read."""
