"""The trie of candidates' tokens, on cases small enough to work by hand."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.errors import LanguageModelError
from llmal.lm.questions import questions, questions_work
from llmal.lm.trie import Trie

END = 9


def _trie(*paths: tuple[int, ...], end: int | None = END, first_token_only: bool = False) -> Trie:
    names = [f"label {number}" for number in range(len(paths))]
    return Trie(paths, names, end=end, first_token_only=first_token_only)


def _nodes(trie: Trie) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [(node.prefix, node.children) for node in trie.nodes]


def test_labels_of_one_token_need_the_root_alone() -> None:
    trie = _trie((5,), (3,), (4,))
    assert _nodes(trie) == [((), (3, 4, 5))]
    sums, first = trie.assemble(np.array([[-3.0, -4.0, -5.0]]))
    assert sums.tolist() == first.tolist() == [[-5.0, -3.0, -4.0]]
    assert trie.lengths.tolist() == [1, 1, 1]


def test_labels_of_several_tokens_are_summed_along_their_path() -> None:
    trie = _trie((1, 2, 3), (4,))
    assert _nodes(trie) == [((), (1, 4)), ((1,), (2,)), ((1, 2), (3,))]
    sums, first = trie.assemble(np.array([[-1.0, -2.0, -0.5, -0.25]]))
    assert sums.tolist() == [[-1.75, -2.0]]
    assert first.tolist() == [[-1.0, -2.0]]
    assert trie.lengths.tolist() == [3, 1]


def test_labels_with_a_common_beginning_share_its_node() -> None:
    trie = _trie((1, 2), (1, 3), (4,))
    assert _nodes(trie) == [((), (1, 4)), ((1,), (2, 3))]
    sums, _ = trie.assemble(np.log(np.array([[0.5, 0.25, 0.5, 0.125]])))
    np.testing.assert_allclose(np.exp(sums), [[0.25, 0.0625, 0.25]])


def test_a_label_that_begins_another_is_closed_by_the_end_token() -> None:
    trie = _trie((1,), (1, 2), (3,))
    assert _nodes(trie) == [((), (1, 3)), ((1,), (2, END))]
    sums, _ = trie.assemble(np.log(np.array([[0.5, 0.25, 0.125, 0.5]])))
    np.testing.assert_allclose(np.exp(sums), [[0.25, 0.0625, 0.25]])
    assert trie.lengths.tolist() == [2, 2, 1]


def test_a_label_that_begins_another_needs_an_end_token() -> None:
    with pytest.raises(LanguageModelError, match="'label 0' is the beginning of another"):
        _trie((1,), (1, 2), end=None)


def test_first_tokens_alone_need_the_root_alone() -> None:
    trie = _trie((1, 2), (1,), (3, 4), first_token_only=True)
    assert _nodes(trie) == [((), (1, 3))]
    sums, first = trie.assemble(np.array([[-1.0, -2.0]]))
    assert sums.tolist() == first.tolist() == [[-1.0, -1.0, -2.0]]


def test_a_candidate_without_tokens_is_named() -> None:
    with pytest.raises(LanguageModelError, match="'label 1' has no token"):
        _trie((1,), ())


def test_two_candidates_with_the_same_tokens_are_named() -> None:
    with pytest.raises(LanguageModelError, match="'label 0' and 'label 2' have the same tokens"):
        _trie((1, 2), (3,), (1, 2))


def test_a_label_that_holds_the_end_token_cannot_pass_for_a_closed_one() -> None:
    with pytest.raises(LanguageModelError, match="end token"):
        _trie((1,), (1, END))


def test_the_key_tells_what_is_asked_and_not_in_which_order() -> None:
    assert _trie((1,), (2,)).key == _trie((2,), (1,)).key
    assert _trie((1,), (2,)).key != _trie((1,), (3,)).key
    assert _trie((1, 2), (3,)).key != _trie((1,), (3,)).key


def test_one_question_for_each_node_reads_prompt_and_prefix() -> None:
    trie = _trie((1, 2, 3), (4,))
    asked = questions(trie)
    assert [(one.prefix, one.tokens) for one in asked] == _nodes(trie)
    work = questions_work(trie)
    assert (work.passes, work.reads, work.extra, work.written) == (3, 3, 0 + 1 + 2, 3)


def test_three_hundred_labels_are_asked_in_parts_that_a_server_takes() -> None:
    trie = _trie(*((token,) for token in range(300)), end=None)
    asked = questions(trie)
    assert [len(one.wanted) for one in asked] == [128, 128, 44]
    row = np.full(trie.width, np.nan)
    for one in asked:
        row[one.columns] = one.tokens
    assert row.tolist() == list(range(300))
