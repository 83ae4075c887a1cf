"""Reading a pool: items, views, positions, duplicates, labels."""

from __future__ import annotations

import json
import random
from collections import Counter

import numpy as np
import pytest

from llmal.errors import DataError
from llmal.pool import Pool
from llmal.pool.index import IdIndex, hash_id, repeats
from llmal.task import Task


def _pool(tmp_path, count=30):
    """Texts t0, t1 ..., gold of three labels, one of them missing now and then."""
    gold = [None if n % 7 == 0 else "ABC"[n % 3] for n in range(count)]
    ids = [f"id{n}" for n in range(count)]
    return Pool.from_texts([f"t{n}" for n in range(count)], gold, ids=ids, cache=tmp_path)


def test_slices_positions_and_masks_are_views(tmp_path):
    pool = _pool(tmp_path)
    assert pool[:5].ids() == ["id0", "id1", "id2", "id3", "id4"]
    assert pool[10:0:-4].ids() == ["id10", "id6", "id2"]
    assert pool[np.array([4, -1])].ids() == ["id4", "id29"]
    assert pool[np.arange(30) >= 28].ids() == ["id28", "id29"]
    assert pool[5:20][[3, 0]].ids() == ["id8", "id5"]
    assert pool[5:20][3].text == "t8"
    assert len(pool[:0]) == 0
    assert pool[[]].texts() == []
    assert pool[-1].id == "id29"


def test_positions_outside_or_given_twice_are_refused(tmp_path):
    pool = _pool(tmp_path)
    with pytest.raises(IndexError, match="position 30 is outside the pool of 30 items"):
        pool[30]
    with pytest.raises(IndexError, match="outside the pool of 5 items"):
        pool[:5].items([2, 7])
    with pytest.raises(DataError, match="position 3 is given twice"):
        pool[[3, 1, -27]]
    with pytest.raises(IndexError, match="mask"):
        pool[np.array([True])]
    with pytest.raises(TypeError):
        pool[["id1"]]


def test_items_keep_the_order_that_was_asked_for(tmp_path):
    pool = _pool(tmp_path, 20_000)
    chosen = np.random.default_rng(0).permutation(20_000)[:5000]
    assert [item.id for item in pool.items(chosen)] == [f"id{n}" for n in chosen]
    assert pool.texts(chosen) == [f"t{n}" for n in chosen]
    assert pool.gold(chosen[:50]) == [pool[int(n)].gold for n in chosen[:50]]
    assert [item.text for item in pool] == pool.texts()


def test_positions_of_ids(tmp_path):
    pool = _pool(tmp_path)
    assert pool.positions(["id4", "id0", "id4"]).tolist() == [4, 0, 4]
    assert pool.positions([]).dtype == np.int64
    view = pool[20:3:-3]
    assert view.positions(view.ids()).tolist() == list(range(len(view)))
    with pytest.raises(DataError, match=r"no item with the id 'nobody' \(and 1 more\)"):
        pool.positions(["id3", "nobody", "none"])
    with pytest.raises(DataError, match="'id4'"):
        view.positions(["id5", "id4"])


def test_ids_whose_hashes_collide_are_told_apart():
    names = ["x", "a", "b", "y"]
    same = hash_id("a")
    index = IdIndex.build(np.array([same, same, same, same], dtype=np.uint64))

    def read(positions):
        return [names[position] for position in positions]

    assert index.find(["a"], read).tolist() == [1]
    assert index.first_duplicate(read) is None
    names[3] = "a"
    assert index.first_duplicate(read) == (1, 3)
    names[:] = ["x", "y", "z", "w"]
    assert index.find(["a", "nobody"], read).tolist() == [-1, -1]


def test_repeats_of_a_key_agree_with_a_dictionary():
    rng = random.Random(3)
    keys = [(rng.randrange(5), rng.randrange(5)) for _ in range(60)]
    arrays = [np.array(part, dtype=np.uint64) for part in zip(*keys, strict=True)]
    expected, seen, first = [], Counter(), {}
    for position, key in enumerate(keys):
        if key in first:
            expected.append((position, first[key], seen[key]))
        first.setdefault(key, position)
        seen[key] += 1
    assert list(zip(*(part.tolist() for part in repeats(arrays)), strict=True)) == expected


def test_duplicates_in_the_whole_and_in_a_view(tmp_path):
    pool = Pool.from_texts(["a", "b", "a", "c", "b", "a"], cache=tmp_path)
    assert pool.duplicates == 3
    assert [pool.duplicate_of(n) for n in range(6)] == [None, None, 0, None, 1, 0]
    view = pool[[5, 4, 3, 2]]
    assert view.duplicates == 1
    assert [view.duplicate_of(n) for n in range(4)] == [None, None, None, 0]


def test_gold_counts_and_pools_without_gold(tmp_path):
    pool = _pool(tmp_path)
    assert pool.has_gold
    assert pool.gold_counts() == dict(Counter(one for one in pool.gold() if one))
    assert pool[1:3].gold_counts() == {"B": 1, "C": 1}
    bare = Pool.from_texts(["a", "b"], cache=tmp_path)
    assert not bare.has_gold
    assert (bare.gold(), bare.gold_counts()) == ([None, None], {})
    assert bare.match_labels(Task("t", ["A", "B"])) is bare


def test_gold_that_the_task_lacks_is_named_with_its_line(tmp_path):
    file = tmp_path / "p.jsonl"
    labels = ["Pos", None, "Neg", "pos", "Nag", "Other"]
    file.write_text("\n\n".join(json.dumps({"text": str(one), "label": one}) for one in labels))
    pool = Pool.from_file(file, gold="label", cache=tmp_path)
    task = Task("mood", ["Pos", "Neg"])
    with pytest.raises(DataError) as caught:
        pool.match_labels(task)
    assert str(caught.value) == (
        f"{file}, line 9, column 'label': 'Nag' is not a label of task 'mood'; "
        "its labels are Pos, Neg, did you mean 'Neg'?"
    )
    with pytest.raises(DataError, match=r"line 11, column 'label': 'Other'"):
        pool[[0, 5]].match_labels(task)
    assert pool[:4].match_labels(task).gold() == ["Pos", None, "Neg", "Pos"]


def test_map_batches_covers_every_item_once(tmp_path):
    pool = _pool(tmp_path)
    batches = list(pool[2:].map_batches(lambda items: [item.id for item in items], batch_size=9))
    assert [len(batch) for batch in batches] == [9, 9, 9, 1]
    assert [one for batch in batches for one in batch] == pool[2:].ids()
    with pytest.raises(DataError, match="batch size is 0"):
        pool.map_batches(len, batch_size=0)


def test_fingerprint_follows_content_and_positions(tmp_path):
    pool = _pool(tmp_path)
    assert pool[:].fingerprint == pool.fingerprint == _pool(tmp_path / "again").fingerprint
    assert pool[:10].fingerprint == pool[:20][:10].fingerprint
    prints = {pool.fingerprint, pool[:10].fingerprint, pool[9::-1].fingerprint}
    others = [
        Pool.from_texts(["a", "b"], cache=tmp_path),
        Pool.from_texts(["b", "a"], cache=tmp_path),
        Pool.from_texts(["a", "b"], ["x", None], cache=tmp_path),
        Pool.from_texts(["a", "b"], [None, "x"], cache=tmp_path),
        Pool.from_texts(["a", "b"], ids=["1", "2"], cache=tmp_path),
    ]
    assert len(prints | {one.fingerprint for one in others}) == 8
