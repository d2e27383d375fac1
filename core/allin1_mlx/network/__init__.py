"""The neural network: spectrograms in, frame-wise probabilities out. All of it uses MLX.

predict.py          `predict`: runs a network over songs
loading.py          `load_network`: reads a network from checkpoint files
model.py            the network; layers.py: its layers
attention_cuda.py   neighbourhood attention on NVIDIA GPUs
backend.py          MLX with a fast BLAS; long arrays in chunks on all cores
"""
