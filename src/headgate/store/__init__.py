"""The truth: tables, migrations, one repository per noun, and the chain of events."""
