"""Synthetic items for tests of reports and exports, without a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from letters import Letters

from llmal.core.records import Item, SyntheticItem, Usage
from llmal.generators.items import with_distinct_ids
from llmal.generators.origin import Origin
from llmal.generators.record import SyntheticRecord
from llmal.task import Task

TASK = Task("places", {"in": "inside a house", "out": "under the <sky>"}, "Where does it sleep?")
ANIMALS = ("dog", "cat", "cow", "hen", "fox", "owl", "ant", "bee", "pig", "elk")
PLACES = {"in": ("house", "barn", "cellar"), "out": ("garden", "wood", "field")}


def item(text: str, label: str, place: int, **more: Any) -> SyntheticItem:
    """An item with the provenance that generators give."""
    provenance = {
        "model": "tiny/model",
        "prompt": "generate/class_conditional@3#abc",
        "style": "chat",
        "structure": "json",
        "temperature": 1.0,
        "top_p": 1.0,
        "demonstrations": ["d1", "d2"],
        "seed": place,
        "label_probability": 0.5 + place / 100,
    }
    usage = Usage(requests=1, prompt_tokens=10, completion_tokens=5)
    return SyntheticItem(
        f"syn-{place}", text, label, "class_conditional", usage=usage, provenance=provenance, **more
    )


def record(**changes: Any) -> SyntheticRecord:
    """Thirty accepted texts of each of two labels, a few refused ones, and forty real texts."""
    made = [
        item(f"the {animal} sleeps in the {place}", label, number)
        for number, (label, place, animal) in enumerate(
            (label, place, animal)
            for label, places in PLACES.items()
            for place in places
            for animal in ANIMALS
        )
    ]
    refused = [
        item(
            "The dog sleeps in the house", "in", 60, accepted=False, refused_by="near_duplicates",
            reason="the same text as 'syn-0'",
        ),
        item("", "out", 61, accepted=False, refused_by="class_conditional", reason="no JSON"),
        item(
            "<script>alert(1)</script> runs", "out", 62, accepted=False,
            refused_by="label_agreement", reason="the model gives it 0.10 of 'out'",
        ),
    ]  # fmt: skip
    refused[1] = replace(refused[1], provenance={})
    real = [
        Item(f"r{n}", f"a {ANIMALS[n % 10]} rests near {place} number {n}", gold=None)
        for n, place in enumerate(["a river", "the road", "our farm", "an inn"] * 10)
    ]
    origin = Origin(
        task=TASK.as_dict(),
        generator={"name": "class_conditional", "shots": 3, "prompt": "mine.yaml"},
        model="tiny/model",
        filters=[
            {"name": "format_length", "min_words": 3, "max_words": 60},
            {"name": "near_duplicates", "threshold": 0.95},
        ],
        wanted={"in": 30, "out": 32},
        demonstrations=6,
        real=40,
        seed=4,
        usage=Usage(requests=63, prompt_tokens=700, completion_tokens=315).as_dict(),
        version="0.1.0",
    )
    base = SyntheticRecord(
        with_distinct_ids([*made, *refused]), TASK, origin, real, Letters(), seed=4
    )
    return replace(base, **changes)
