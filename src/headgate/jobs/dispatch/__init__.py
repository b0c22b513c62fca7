"""Where job runs are executed; one file for each kind of dispatcher."""
