"""What a job may see, use and reach; one file for each kind of sandbox."""
