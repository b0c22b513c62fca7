"""What the routes of a program lack: checks that their siblings have, or that their work demands."""
