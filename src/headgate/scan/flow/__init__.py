"""The data-flow engine: forward abstract interpretation over the intermediate representation."""
