"""What people can ask of a server, one file per noun."""
