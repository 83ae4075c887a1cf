"""Selectors around other selectors."""
