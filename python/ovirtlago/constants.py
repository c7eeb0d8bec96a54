"""What never changes."""
REPO_SERVER_PORT = 8585
ENGINE_USER = 'admin@internal'
