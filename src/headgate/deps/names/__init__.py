"""Names that look like other names: what a typing error, or whoever waits for one, writes."""
