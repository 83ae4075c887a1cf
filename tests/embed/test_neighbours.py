from __future__ import annotations

import numpy as np
import pytest

from llmal.embed import nearest
from llmal.errors import DataError


def _unit(count: int, width: int = 8) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_neighbours_equal_those_of_a_full_search():
    base = _unit(50)
    queries = base[:7]
    full = np.linalg.norm(queries[:, None] - base[None], axis=2)

    distances, indices = nearest(queries, base, 5)

    np.testing.assert_array_equal(indices, full.argsort(axis=1)[:, :5])
    np.testing.assert_allclose(distances, np.sort(full, axis=1)[:, :5], atol=1e-3)
    np.testing.assert_array_equal(indices[:, 0], np.arange(7))


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_vectors_are_refused(k: int):
    with pytest.raises(DataError, match=f"{k} neighbours were asked for among 3"):
        nearest(_unit(2), _unit(3), k)


def test_widths_that_differ_are_refused():
    with pytest.raises(DataError, match="do not fit"):
        nearest(_unit(2, 4), _unit(3, 5), 1)
