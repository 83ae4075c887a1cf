"""Training of networks: one loop, and what can be added to its loss."""
