"""Items of rare labels: of which, how many, and by what they are written."""

from __future__ import annotations

from collections import Counter

import pytest

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.generators import REGISTRY, Apportioning, Request
from llmal.task import Task

LABELS = ("rare", "some", "many", "most")
COUNTS = {"rare": 2, "some": 4, "many": 10, "most": 12}


def _labelled():
    return tuple(
        Item(f"{label}-{n}", f"It was number {n} of {label} .", gold=label)
        for label, count in COUNTS.items()
        for n in range(count)
    )


def _minority(lm, **options):
    return REGISTRY.get("minority")(Task("counts", LABELS), lm, per_prompt=1, **options)


@pytest.mark.parametrize(
    ("ratio", "k", "expected"),
    [
        (1.0, 50, {"rare": 10, "some": 8, "many": 2, "most": 0}),
        (1.0, 5, {"rare": 5, "some": 5, "many": 2, "most": 0}),
        (0.5, 50, {"rare": 4, "some": 2, "many": 0, "most": 0}),
        (0.1, 50, {"rare": 0, "some": 0, "many": 0, "most": 0}),
    ],
)
def test_each_label_is_given_what_it_lacks(tiny_hf, ratio, k, expected):
    generator = _minority(tiny_hf, ratio=ratio)
    assert isinstance(generator, Apportioning)
    assert generator.wanted(COUNTS, k) == expected


def test_nobody_has_too_few_where_there_are_none(tiny_hf):
    assert _minority(tiny_hf).wanted(dict.fromkeys(LABELS, 0), 5) == dict.fromkeys(LABELS, 0)
    # 0.1 of 10 is 1, whatever the machine makes of it.
    assert _minority(tiny_hf, ratio=0.1).wanted({"rare": 0, "most": 10}, 5)["rare"] == 1
    with pytest.raises(ConfigError, match="ratio is 2"):
        _minority(tiny_hf, ratio=2.0)


def test_the_label_is_shown_beside_the_commonest(tiny_hf):
    items = _labelled()
    request = Request("rare", items, sources=items)
    for one in _minority(tiny_hf, shots=3).build(request, 6):
        shown = Counter(id.partition("-")[0] for id in one.demonstrations)
        assert shown == {"most": 1, "many": 1, "rare": 2}
        assert one.demonstrations[-1].startswith("rare")
    built = _minority(tiny_hf, others=1).build(request, 12)
    assert Counter(one.demonstrations[0] for one in built) == {f"most-{n}": 1 for n in range(12)}
    assert all(
        len(one.demonstrations) == 2 for one in _minority(tiny_hf, others=0).build(request, 2)
    )
    few = tuple(one for one in items if one.gold in ("rare", "some"))
    for one in _minority(tiny_hf, others=3).build(Request("rare", few), 2):
        shown = Counter(id.partition("-")[0] for id in one.demonstrations)
        assert shown == {"some": 3, "rare": 2}
    # A label that nobody has met is written from its description, and what it is not.
    none = Request("rare", tuple(one for one in items if one.gold != "rare"))
    assert len(_minority(tiny_hf).build(none, 1)[0].demonstrations) == 2
