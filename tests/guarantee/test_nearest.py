"""The nearest labelled items are the same however one came to them."""

import numpy as np
import pytest

from llmal.guarantee.nearest import Nearest


def texts(items=700, width=48, seed=0):
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(items, width)).astype(np.float32)
    found[5] = found[9]
    found[30] = 0.0
    return found


def by_hand(embeddings, labelled, count):
    vectors = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    cosines = vectors @ vectors[labelled].T
    cosines[labelled, np.arange(len(labelled))] = -np.inf
    return -np.sort(-cosines, axis=1)[:, :count]


@pytest.mark.parametrize("size", [2, 7, 400])
def test_cosines_are_those_of_the_nearest_and_none_is_its_own(size):
    embeddings = texts()
    labelled = np.random.default_rng(1).permutation(len(embeddings))[:size]
    items, cosines = Nearest(10).among(embeddings, labelled)
    count = min(10, size - 1)
    assert items.shape == cosines.shape == (len(embeddings), count)
    assert np.isin(items, labelled).all()
    assert (items != np.arange(len(embeddings))[:, None]).all()
    assert all(len({*row}) == count for row in items.tolist())
    np.testing.assert_allclose(cosines, by_hand(embeddings, labelled, count), atol=1e-3)


def test_they_do_not_depend_on_what_was_asked_before():
    embeddings = texts(5000)
    labelled = np.random.default_rng(1).permutation(len(embeddings))
    kept = Nearest(10)
    for size in (40, 300, 301, 900):
        items, cosines = kept.among(embeddings.copy(), labelled[:size])
    fresh_items, fresh_cosines = Nearest(10).among(embeddings, labelled[:900])
    np.testing.assert_array_equal(items, fresh_items)
    np.testing.assert_array_equal(cosines, fresh_cosines)


def test_a_label_that_is_taken_back_and_other_texts_are_noticed():
    kept = Nearest(3)
    kept.among(texts(), np.arange(100))
    for embeddings, labelled in ((texts(), np.arange(1, 60)), (texts(seed=1), np.arange(100))):
        items, cosines = kept.among(embeddings, labelled)
        fresh_items, fresh_cosines = Nearest(3).among(embeddings, labelled)
        np.testing.assert_array_equal(items, fresh_items)
        np.testing.assert_array_equal(cosines, fresh_cosines)


def test_of_equal_texts_the_first_one_is_taken():
    embeddings = np.ones((6, 4), dtype=np.float32)
    items, _ = Nearest(2).among(embeddings, np.array([5, 3, 1, 2]))
    assert items.tolist() == [[1, 2], [2, 3], [1, 3], [1, 2], [1, 2], [1, 2]]
