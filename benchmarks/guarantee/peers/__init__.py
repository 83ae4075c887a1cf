"""Other ways to decide which labels of a machine may stay, each as its authors describe it."""
