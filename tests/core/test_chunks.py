"""Computing in chunks gives the result of the whole array, in order, and raises errors."""

import numpy as np
import pytest

from allin1_mlx.network.backend import (
    chunk_edges,
    chunk_length,
    in_chunks,
    map_parallel,
    map_serial,
    mx,
)


@pytest.mark.parametrize("length", [0, 1, 7, 99, 100, 101, 1000])
@pytest.mark.parametrize("step", [1, 4])
def test_cuts_cover_everything_once(length, step):
    edges = chunk_edges(length * step, 100, step=step)
    assert edges[0] == 0
    assert edges[-1] == length * step
    assert edges == sorted(edges)
    assert all(edge % step == 0 for edge in edges)
    assert max(np.diff(edges), default=0) <= 200 + step


@pytest.mark.parametrize("run", [map_parallel, map_serial])
@pytest.mark.parametrize("chunk", [1, 10, 64, 1000])
def test_a_layer_with_a_reach_gives_the_same_in_chunks(run, chunk):
    x = mx.random.normal((2, 500, 3))

    def mean_of_neighbours(x: mx.array) -> mx.array:
        padded = mx.pad(x, [(0, 0), (2, 2), (0, 0)])
        return sum(padded[:, i : i + x.shape[1]] for i in range(5)) / 5

    found = in_chunks(mean_of_neighbours, x, chunk=chunk, reach=2, map=run)
    np.testing.assert_allclose(np.array(found), np.array(mean_of_neighbours(x)), atol=1e-6)


def test_results_come_in_the_order_of_the_jobs():
    x = mx.arange(1000) * 1.0  # not yet computed
    found = map_parallel(lambda i: (x + i).sum(), range(50), x)
    assert [chunk.item() for chunk in found] == [499_500 + 1000 * i for i in range(50)]


@pytest.mark.parametrize("run", [map_parallel, map_serial])
def test_an_error_in_a_chunk_is_raised(run):
    def fail_once(number: int) -> mx.array:
        if number == 7:
            raise InterruptedError("seven")
        return mx.array(number)

    with pytest.raises(InterruptedError, match="seven"):
        run(fail_once, range(20))


def test_training_uses_no_chunks():
    assert len(chunk_edges(10**9, chunk_length(1000, training=True))) == 2
