"""Trained learners as folders that other libraries load."""
