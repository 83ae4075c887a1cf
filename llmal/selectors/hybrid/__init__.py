"""Selectors that weigh how unsure predictions are against where items lie."""
