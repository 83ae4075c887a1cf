from __future__ import annotations

import subprocess
import sys

import pytest

from llmal.core.records import Item
from llmal.errors import DataError
from llmal.perturb import TfIdfReplacement, perturb_items
from llmal.pool import Pool

CORPUS = ["the film cat", "the film dog dog", "the bird", "the the"]


def _fitted():
    return TfIdfReplacement(rate=0.6).fit(CORPUS)


def _pair(id="p1", **more):
    fields = {"premise": "the film cat", "hypothesis": "the bird film"}
    return Item(id, "\n".join(fields.values()), fields, gold="yes", extra={"n": 1}, **more)


def test_each_text_column_is_changed_by_itself():
    fitted = _fitted()
    ((first, second),) = perturb_items(fitted, [_pair()], 2, seed=4)
    premises, hypotheses = fitted.perturb(["the film cat", "the bird film"], 2, 4)
    for number, copy in enumerate((first, second)):
        assert list(copy.fields) == ["premise", "hypothesis"]
        assert copy.fields["premise"] == premises[number]
        assert copy.fields["hypothesis"] == hypotheses[number]
        assert copy.text == f"{premises[number]}\n{hypotheses[number]}"
        assert (copy.id, copy.gold, copy.extra) == (f"p1~4.{number}", "yes", {"n": 1})


def test_an_item_without_columns_has_its_text_changed():
    fitted = _fitted()
    ((copy,),) = perturb_items(fitted, [Item("a", "the film cat")], 1, 0)
    assert copy == Item("a~0.0", fitted.perturb(["the film cat"], 1, 0)[0][0])


def test_items_keep_their_order_and_their_number_of_columns():
    items = [Item("a", "the film cat"), _pair(), Item("b", "the bird", {"text": "the bird"})]
    made = perturb_items(_fitted(), items, 3, 0)
    assert [[copy.id for copy in copies] for copies in made] == [
        [f"{id}~0.{number}" for number in range(3)] for id in ("a", "p1", "b")
    ]
    assert perturb_items(_fitted(), items[1:2], 3, 0) == made[1:2]
    assert perturb_items(_fitted(), [], 3, 0) == []


def test_copies_are_put_together_as_a_pool_does(shared, tmp_path):
    file = shared / "data" / "rte" / "train.jsonl.gz"
    pool = Pool.from_file(file, text=["text_a", "text_b"], gold="label", cache=tmp_path)
    items = pool.items(range(20))
    fitted = TfIdfReplacement(rate=0).fit(pool.texts())
    for item, (copy,) in zip(items, perturb_items(fitted, items, 1, 0), strict=True):
        assert (copy.text, dict(copy.fields), copy.gold) == (item.text, item.fields, item.gold)


def test_no_copies_are_refused():
    with pytest.raises(DataError, match="0 copies"):
        perturb_items(_fitted(), [_pair()], 0, 0)


def test_the_package_loads_nothing_heavy():
    code = (
        "import sys, llmal.perturb as room; room.TfIdfReplacement, room.Paraphrase, "
        "room.BackTranslation; print([m for m in ('torch', 'transformers', 'pyarrow', 'scipy') "
        "if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
