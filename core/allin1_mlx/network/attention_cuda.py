"""Neighbourhood attention as three CUDA kernels for NVIDIA GPUs; same results as in `layers`.

On CUDA, MLX spends most of its time on starting kernels. The slices of `layers` take about forty
kernels for one attention and twice as many for its gradient. Here, each thread computes one query
of one head (in the gradient, one key). `tests/benchmarks/attention.py` compares both.

Axes: N batch, R rows of keys (stems; 1 if time is the only axis), Q <= R rows of queries, L length,
H heads, D channels of a head, C = H D. Positions of one residue class modulo the dilation d are
neighbours. The bias and the arrays for the gradient are indexed by the distance between key and
query, -4 .. 4, in steps of d.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from .backend import mx

THREADS = 256  # of a block
DISTANCES = 9

# Each thread computes one head of one query (or key) t of a row. `same` is the number of positions
# in its residue class; `i` is the index of t among them.
_HEADER = """
struct Place {
  int h, t, row, n, i, same;
  __device__ Place(long e, int heads, int length, int rows, int d) {
    h = e % heads; e /= heads;
    t = e % length; e /= length;
    row = e % rows;
    n = e / rows;
    i = t / d;
    same = (length - t % d + d - 1) / d;
  }
  // The first of the five positions seen from here, as a distance.
  __device__ int first() const { return i < 2 ? -i : i > same - 3 ? same - 5 - i : -2; }
  __device__ bool has(int distance) const { return i + distance >= 0 && i + distance < same; }
};

// Channels of one head at a position: part 0 query, 1 key, 2 value.
template <int H, int D>
__device__ const float* at(const float* qkv, long n, int rows, int row, int length, int t,
                           int part, int h) {
  return qkv + ((((n * rows + row) * length + t) * 3 + part) * H + h) * D;
}

template <int D>
__device__ float dot(const float* a, const float* b) {
  float sum = 0;
  for (int c = 0; c < D; ++c) sum += a[c] * b[c];
  return sum;
}

// The weights of the 5 R keys of a query, in the order of rows, then distances.
template <int H, int D, int R>
__device__ void weigh(float* weights, const Place& p, const float* qkv, const float* bias,
                      int length, int d) {
  const float scale = rsqrtf(float(D));
  float query[D];
  const float* q = at<H, D>(qkv, p.n, R, p.row, length, p.t, 0, p.h);
  for (int c = 0; c < D; ++c) query[c] = q[c] * scale;
  float most = -3e38f, sum = 0;
  for (int row = 0; row < R; ++row)
    for (int j = 0; j < 5; ++j) {
      const int distance = p.first() + j;
      const float* k = at<H, D>(qkv, p.n, R, row, length, p.t + distance * d, 1, p.h);
      const int place = (p.h * (2 * R - 1) + R - 1 + row - p.row) * 9 + distance + 4;
      const float score = dot<D>(query, k) + bias[place];
      weights[row * 5 + j] = score;
      most = score > most ? score : most;
    }
  for (int j = 0; j < 5 * R; ++j) sum += weights[j] = expf(weights[j] - most);
  for (int j = 0; j < 5 * R; ++j) weights[j] /= sum;
}
"""

_PLACE = """
  const long e = cooperative_groups::this_grid().thread_rank();
  const int length = qkv_shape[2], d = dilation[0], folds = bias_shape[0];
  if (e >= long(qkv_shape[0]) * ROWS * length * H) return;
  const Place p(e, H, length, ROWS, d);
  const float* own_bias = bias + long(p.n / (qkv_shape[0] / folds)) * H * (2 * R - 1) * 9;
"""

_FORWARD = """
  float weights[5 * R], sum[D] = {};
  weigh<H, D, R>(weights, p, qkv, own_bias, length, d);
  for (int row = 0; row < R; ++row)
    for (int j = 0; j < 5; ++j) {
      const float* v = at<H, D>(qkv, p.n, R, row, length, p.t + (p.first() + j) * d, 2, p.h);
      for (int c = 0; c < D; ++c) sum[c] += weights[row * 5 + j] * v[c];
    }
  for (int c = 0; c < D; ++c) out[e * D + c] = sum[c];
"""

# Weights and slopes of the scores; they are zero for keys outside the window.
_SLOPES = """
  float near[5 * R], slope[5 * R], mean = 0;
  weigh<H, D, R>(near, p, qkv, own_bias, length, d);
  const float* own = cotangent + e * D;
  for (int row = 0; row < R; ++row)
    for (int j = 0; j < 5; ++j) {
      const float* v = at<H, D>(qkv, p.n, R, row, length, p.t + (p.first() + j) * d, 2, p.h);
      slope[row * 5 + j] = dot<D>(own, v);
      mean += near[row * 5 + j] * slope[row * 5 + j];
    }
  for (int row = 0; row < R; ++row)
    for (int distance = -4; distance <= 4; ++distance) {
      const int j = distance - p.first();
      const bool seen = j >= 0 && j < 5;
      const long place = (e * R + row) * 9 + distance + 4;
      const float weight = seen ? near[row * 5 + j] : 0;
      weights[place] = weight;
      slopes[place] = seen ? weight * (slope[row * 5 + j] - mean) : 0;
    }
"""

# Each position sums its gradient: as a query over its keys, as a key and a value over the queries
# that used it. There are no atomics, so the order of the sum never changes.
_GATHER = """
  const float scale = rsqrtf(float(D));
  float dq[D] = {}, dk[D] = {}, dv[D] = {};
  for (int distance = -4; distance <= 4; ++distance) {
    if (!p.has(distance)) continue;
    const int t = p.t + distance * d;
    for (int row = 0; row < R; ++row) {
      if (p.row < Q) {
        const long place = (((((long)p.n * Q + p.row) * length + p.t) * H + p.h) * R + row) * 9;
        const float slope = slopes[place + 4 + distance] * scale;
        const float* k = at<H, D>(qkv, p.n, R, row, length, t, 1, p.h);
        for (int c = 0; c < D; ++c) dq[c] += slope * k[c];
      }
      if (row < Q) {
        const long query = (((long)p.n * Q + row) * length + t) * H + p.h;
        const long place = (query * R + p.row) * 9 + 4 - distance;
        const float slope = slopes[place] * scale, weight = weights[place];
        const float* q = at<H, D>(qkv, p.n, R, row, length, t, 0, p.h);
        for (int c = 0; c < D; ++c) {
          dk[c] += slope * q[c];
          dv[c] += weight * cotangent[query * D + c];
        }
      }
    }
  }
  float* own = out + ((((long)p.n * R + p.row) * length + p.t) * 3 * H + p.h) * D;
  for (int c = 0; c < D; ++c) {
    own[c] = dq[c];
    own[H * D + c] = dk[c];
    own[2 * H * D + c] = dv[c];
  }
"""


def attend(
    qkv: mx.array, bias: mx.array, *, heads: int, dilation: int = 1, queries: int | None = None
) -> mx.array:
    """Attention of `queries` (default: all) of the R rows: (N, R, L, 3 C) -> (N, Q, L, C).

    bias: (E, H, 2 R - 1, 9) by distance of the rows and in time. With E > 1 folds, each bias is for
    N / E consecutive items. L is at least five times the dilation. All arrays are float32.
    """
    R, C = qkv.shape[1], qkv.shape[3] // 3
    Q = R if queries is None else queries
    sizes = {"H": heads, "D": C // heads, "R": R, "Q": Q}
    step = _scalar(dilation)

    @mx.custom_function
    def attention(qkv: mx.array, bias: mx.array) -> mx.array:
        N, _, L, _ = qkv.shape
        (out,) = _launch("forward", [qkv, bias, step], sizes, [(N, Q, L, C)])
        return out

    @attention.vjp
    def gradient(primals: Any, cotangent: mx.array, _: mx.array) -> tuple[mx.array, mx.array]:
        qkv, bias = primals
        N, _, L, _ = qkv.shape
        kept = (N, Q, L, heads, R, DISTANCES)
        weights, slopes = _launch("slopes", [qkv, bias, step, cotangent], sizes, [kept, kept])
        inputs = [qkv, bias, step, cotangent, weights, slopes]
        (out,) = _launch("gather", inputs, sizes, [qkv.shape])
        return out, _bias_gradient(slopes, bias.shape)

    return cast(mx.array, attention(qkv, bias))


def _bias_gradient(slopes: mx.array, shape: tuple[int, ...]) -> mx.array:
    """Sum the slopes (N, Q, L, H, R, 9) to the bias's shape (E, H, 2 R - 1, 9)."""
    N, Q, L, H, R, _ = slopes.shape
    folds = shape[0]
    each = slopes.reshape(folds, N // folds, Q, L, H, R, DISTANCES)
    # A product with ones sums many rows faster than a reduction.
    rows = each.transpose(0, 2, 1, 3, 4, 5, 6).reshape(folds * Q, N // folds * L, -1)
    sums = (mx.ones((1, rows.shape[1])) @ rows).reshape(folds, Q, H, R, DISTANCES)
    total = mx.zeros(shape)
    for query in range(Q):
        first = R - 1 - query
        total[:, :, first : first + R] += sums[:, query]
    return total


def _launch(
    name: str, inputs: list[mx.array], sizes: dict[str, int], shapes: list[tuple[int, ...]]
) -> list[mx.array]:
    """Run a kernel with one thread for each head at each position of the rows."""
    N, R, L, _ = inputs[0].shape
    rows = R if name == "gather" else sizes["Q"]
    count = N * rows * L * sizes["H"]
    outputs: list[mx.array] = _kernel(name)(
        inputs=inputs,
        template=[*sizes.items(), ("ROWS", rows)],
        grid=(-(-count // THREADS) * THREADS, 1, 1),
        threadgroup=(THREADS, 1, 1),
        output_shapes=shapes,
        output_dtypes=[mx.float32] * len(shapes),
    )
    return outputs


@lru_cache(maxsize=3)
def _kernel(name: str) -> Callable[..., Any]:
    source, inputs, outputs = {
        "forward": (_FORWARD, [], ["out"]),
        "slopes": (_SLOPES, ["cotangent"], ["weights", "slopes"]),
        "gather": (_GATHER, ["cotangent", "weights", "slopes"], ["out"]),
    }[name]
    kernel = mx.fast.cuda_kernel(
        name=f"neighbourhood_{name}",
        input_names=["qkv", "bias", "dilation", *inputs],
        output_names=outputs,
        source=_PLACE + source,
        header=_HEADER,
    )
    return cast("Callable[..., Any]", kernel)


@lru_cache(maxsize=64)
def _scalar(value: int) -> mx.array:
    return mx.array([value], dtype=mx.int32)
