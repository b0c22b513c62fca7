"""Who may do what: tokens, permissions, risk, verdicts and approvals."""
