"""A run: the loop, what it may spend, what its parts are told."""
