"""Users, roles, API keys and the embedded identity provider."""
