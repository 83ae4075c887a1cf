"""What follows from numbers alone: fits and intervals."""
