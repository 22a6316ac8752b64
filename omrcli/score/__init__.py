"""Tokens of staves to a score of parts and measures."""
