from __future__ import annotations

import numpy as np
import pytest

from llmal.perturb.words import chunks, find_words


def _words(text):
    found = find_words([text])
    return [
        found.encoded[0][start:end].decode()
        for start, end in zip(found.starts, found.ends, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Who wrote Emma ?", ["Who", "wrote", "Emma"]),
        ("word", ["word"]),
        ("", []),
        ("  \n\t", []),
        ("?! ... -- '' ’", []),
        ("Don't say 'no'; rock'n'roll, dogs' O’Neil", ["Don't", "say", "no", "rock'n'roll", "dogs", "O’Neil"]),  # noqa: E501
        ("it''s", ["it", "s"]),
        ("state-of-the-art 3.5% a_b x2", ["state", "of", "the", "art", "3", "5", "a", "b", "x2"]),
        ("naïve Ünïcode ÉCOLE Ωμέγα Россия", ["naïve", "Ünïcode", "ÉCOLE", "Ωμέγα", "Россия"]),
        ("हिन्दी में लिखो", ["हिन्दी", "में", "लिखो"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("ab日本語cd テスト𠀀", ["ab", "日", "本", "語", "cd", "テ", "ス", "ト", "𠀀"]),
        ("❤️ love 🙂👍🏽 it", ["love", "it"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("𝒳 math 𐐀", ["𝒳", "math", "𐐀"]),
    ],
)  # fmt: skip
def test_words_are_what_a_reader_calls_so(text, words):
    assert _words(text) == words


def test_half_a_surrogate_pair_is_no_word():
    found = find_words(["\ud800half x\ud800y"])
    assert found.folded.to_pylist() == ["half", "x", "y"]


def test_no_word_reaches_into_the_next_text():
    found = find_words(["a b", "", "c'", "'d", "語", "語e"])
    assert found.lengths.tolist() == [2, 0, 1, 1, 1, 2]
    assert found.folded.to_pylist() == ["a", "b", "c", "d", "語", "語", "e"]
    assert found.owner.tolist() == [0, 0, 2, 3, 4, 5, 5]


def test_words_are_compared_in_lower_case():
    assert find_words(["The THE the"]).folded.to_pylist() == ["the"] * 3
    assert find_words(["Éa ÉA"]).folded.to_pylist() == ["éa"] * 2


@pytest.mark.parametrize(
    ("word", "case"),
    [
        ("word", 0), ("Word", 1), ("WORD", 2), ("I", 1), ("O'Neil", 1), ("iPhone", 0), ("Élan", 1),
        ("ÉLAN", 2), ("élan", 0), ("Ю", 1), ("ЮГ", 2), ("2D", 0), ("日", 0), ("𐐀𐐀", 2), ("𐐀𐐨", 1),
    ],
)  # fmt: skip
def test_capitals_are_seen(word, case):
    for text in (word, f"{word} A", f"{word}日"):
        found = find_words([text])
        assert found.case(np.array([0])).tolist() == [case]


def test_replaced_words_leave_all_else_in_place():
    import pyarrow as pa

    texts = ["One, two — three!", "", "Österreich 🙂 ist\nschön.", "\ud800 x", "日本"]
    found = find_words(texts)
    assert found.folded.to_pylist() == [
        "one", "two", "three", "österreich", "ist", "schön", "x", "日", "本",
    ]  # fmt: skip
    chosen = np.array([1, 2, 3, 6, 7])
    by = pa.array(["zwei", "é", "A", "longer", "国"])
    assert found.with_replaced(chosen, by) == [
        "One, zwei — é!", "", "A 🙂 ist\nschön.", "\ud800 longer", "国本",
    ]  # fmt: skip
    assert found.with_replaced(chosen[:0], by[:0]) == texts


def test_pieces_cover_all_texts_in_order():
    texts = [f"{i} " + "x" * (i % 7000) for i in range(1000)] + ["y" * 2_000_000, "", "z"]
    seen = []
    for first, part in chunks(texts):
        assert first == len(seen)
        seen += [one.decode() for one in part.encoded]
        assert len(part.encoded) == 1 or len(part.raw) < 600_000
    assert seen == texts
    assert list(chunks([])) == []
