"""What the commands for people need: a session with a platform, its REST interface, tables and a live book."""
