"""The neural network: spectrograms in, frame-wise probabilities out. All of it uses MLX."""
