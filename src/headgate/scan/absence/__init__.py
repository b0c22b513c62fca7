"""What the routes of a program lack: what their siblings have, or what their work demands."""
