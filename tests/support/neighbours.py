"""Neighbourhood attention as it is defined: for every position, its keys gathered one by one."""

import numpy as np

KERNEL = 5


def neighbours(length: int, dilation: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys (length, 5) of each position, and which of the nine biases belong to them."""
    keys, biases = [], []
    for position in range(length):
        residue, place = position % dilation, position // dilation
        places = len(range(residue, length, dilation))
        start = min(max(place - 2, 0), places - KERNEL)
        keys.append([(start + j) * dilation + residue for j in range(KERNEL)])
        biases.append([start + j - place + KERNEL - 1 for j in range(KERNEL)])
    return np.array(keys), np.array(biases)


def softmax(x: np.ndarray) -> np.ndarray:
    exponents = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def attend_1d(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, rpb: np.ndarray, dilation: int
) -> np.ndarray:
    """q, k, v (L, H, D), rpb (H, 9) -> (L, H, D)."""
    L, H, D = q.shape
    keys, biases = neighbours(L, dilation)
    out = np.zeros_like(q)
    for h in range(H):
        scores = np.einsum("ld,ljd->lj", q[:, h], k[keys, h]) / np.sqrt(D) + rpb[h][biases]
        out[:, h] = np.einsum("lj,ljd->ld", softmax(scores), v[keys, h])
    return out


def attend_2d(q: np.ndarray, k: np.ndarray, v: np.ndarray, rpb: np.ndarray) -> np.ndarray:
    """q, k, v (K, L, H, D), rpb (H, 9, 9) -> (K, L, H, D)."""
    K, L, H, D = q.shape
    rows, row_biases = neighbours(K, 1)
    columns, column_biases = neighbours(L, 1)
    out = np.zeros_like(q)
    for row in range(K):
        for t in range(L):
            near = np.ix_(rows[row], columns[t])
            for h in range(H):
                keys = k[near][:, :, h].reshape(25, D)
                bias = rpb[h][np.ix_(row_biases[row], column_biases[t])].reshape(25)
                weights = softmax(keys @ q[row, t, h] / np.sqrt(D) + bias)
                out[row, t, h] = weights @ v[near][:, :, h].reshape(25, D)
    return out
