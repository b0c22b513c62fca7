"""What the policy says of packages: functions over rules, facts and advisories."""
