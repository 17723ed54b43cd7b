"""The only way in for outside clients: REST and streams."""
