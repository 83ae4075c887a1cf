"""Trained learners as language models behind a server."""
