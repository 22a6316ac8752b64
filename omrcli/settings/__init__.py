"""Defaults of the user's own: files and environment variables -> values for options."""
