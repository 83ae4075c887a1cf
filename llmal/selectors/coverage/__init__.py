"""Selectors that look at where items lie, and at no predictions."""
