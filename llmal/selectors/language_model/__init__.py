"""Selectors that ask the language model about items, and what they share."""
