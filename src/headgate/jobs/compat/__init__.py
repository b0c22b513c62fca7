"""Jobs that were written for another system."""
