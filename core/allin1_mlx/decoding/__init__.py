"""From frame-wise probabilities to beats, tempo and sections. NumPy only."""
