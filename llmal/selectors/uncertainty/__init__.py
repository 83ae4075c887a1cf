"""Selectors that look at how unsure predictions are, each item by itself."""
