"""Changes that make a finding go away, where one is safe and mechanical."""
