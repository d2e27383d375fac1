"""Beats, tempo and sections from the network's frame-wise probabilities. NumPy only."""
