"""The neural network: spectrograms in, frame-wise probabilities out. Everything that needs MLX."""
