"""Job runs: a sandbox, a dispatcher, environments, and the choice and order of jobs."""
