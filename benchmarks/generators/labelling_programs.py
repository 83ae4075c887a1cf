"""What labelling programs know: hand-written stand-ins for what a model would write.

    python benchmarks/generators/labelling_programs.py [--shared ../shared]

A few functions of a few lines each for trec6 and for sentences about films (mr), written from what
the labels mean and not from the data, and for each set one that is right no more often than chance,
one that never ends, one that opens a file and one that fails on every text. They are judged by so
many items with their labels, drawn anew for each seed from the train part, and label the first test
rows as shuffled by seed 0: the share of rows with an answer, how often it is right, how often a
linear head on MiniLM's vectors is that was fitted to the same labelled items, on the same rows and
on all, and what a program takes for the rows.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from learners.few_shot import read_rows
from results_file import write_results

NAME = "labelling_programs"
LABELLED, ROWS, SEEDS = (20, 50, 200), 500, 3
_WORDS = """
import re
WORDS = re.compile(r"{pattern}")

def label(text):
    if WORDS.search(text.lower()):
        return {name!r}
"""
PATTERNS: dict[str, dict[str, tuple[str, str]]] = {
    "trec6": {
        "who": (r"^(who|whom|whose)\b", "Person"),
        "where": (r"^where\b|\bwhat (city|country|state|continent|river|mountain|island)\b",
                  "Location"),
        "how many": (r"^how (many|much|old|long|far|fast|tall|deep|big)\b|\bwhat (year|date|day)\b",
                     "Number"),
        "when": (r"^when\b|\bpopulation\b|\bhow often\b", "Number"),
        "stand for": (r"\bstands? for\b|\babbreviation\b|\bacronym\b|\bshort for\b",
                      "Abbreviation"),
        "meaning": (r"^(why|how do|how does|how did)\b|\bdefinition\b|\bmean(s|ing)?\b|"
                    r"\bdifference between\b|\borigin of\b", "Description"),
        "kind of": (r"\bwhat (animal|color|colour|game|sport|food|fruit|dog|word|language|movie|"
                    r"film|book|song|instrument|drug|plant)\b", "Entity"),
        "president": (r"\b(president|actor|actress|author|inventor|wrote|invented|discovered)\b",
                      "Person"),
    },
    "mr": {
        "praise": (r"\b(good|great|best|wonderful|brilliant|masterpiece|moving|delight\w*|"
                   r"enjoyable|charming|powerful|beautiful\w*|fun|funny|touching)\b", "positive"),
        "blame": (r"\b(bad|worst|dull|boring|bland|tedious|mess|stupid|lame|awful|terrible|"
                  r"pointless|fails?|lacks?|disappoint\w*)\b", "negative"),
        "too": (r"\btoo (long|much|little|many|slow|predictable)\b|\bnot (funny|enough|worth)\b",
                "negative"),
        "must": (r"\b(must[- ]see|worth (seeing|watching)|recommend\w*|compelling|gripping|"
                 r"engaging|refreshing\w*)\b", "positive"),
        "instead": (r"\b(unfortunately|clich\w*|waste|instead of|never quite|should have)\b",
                    "negative"),
        "best": (r"\bone of the (best|finest|most)\b|\b(remarkable|superb|captivat\w+)\b",
                 "positive"),
    },
}  # fmt: skip
OF_NO_USE = {
    "vowels": "def label(text):\n    return sum(c in 'aeiou' for c in text) % {count}\n",
    "endless": "def label(text):\n    while True:\n        pass\n",
    "file": "def label(text):\n    return open('labels.txt').read()\n",
    "failing": "def label(text):\n    return text.answer\n",
}


def programs_of(name: str, labels: int) -> list[Any]:
    from llmal.annotators import Program

    useful = {
        key: _WORDS.format(pattern=pattern.replace('"', r"\""), name=label)
        for key, (pattern, label) in PATTERNS[name].items()
    }
    others = {key: source.format(count=labels) for key, source in OF_NO_USE.items()}
    return [Program(key, source) for key, source in {**useful, **others}.items()]


def measure(
    shared: Path, name: str, labelled: int, seed: int, kept: dict[str, Any]
) -> dict[str, Any]:
    """One draw of labelled items."""
    from llmal.annotators import Context, LabellingPrograms
    from llmal.core.records import Item
    from llmal.learners import LinearHead
    from llmal.task import Task

    rows, test = read_rows(shared, name, "train"), read_rows(shared, name, "test")[:ROWS]
    task = Task(name, sorted({row["label"] for row in rows}))
    drawn = np.random.default_rng([seed, labelled]).permutation(len(rows))[:labelled]
    known = [Item(f"k{row}", rows[row]["text"], gold=rows[row]["label"]) for row in drawn]
    items = [Item(f"t{place}", row["text"]) for place, row in enumerate(test)]
    gold = np.array([row["label"] for row in test])
    annotator = LabellingPrograms(task, programs_of(name, len(task.names)), seconds=1)
    begun = time.perf_counter()
    found = annotator.annotate(items, Context(demonstrations=known))
    seconds = time.perf_counter() - begun
    said = np.array([one.label or "" for one in found])
    told = said != ""
    embedder = kept["embedder"]
    head = LinearHead(random_state=seed).fit(
        embedder.embed([one.text for one in known]), [one.gold for one in known]
    )
    right = head.predict(embedder.embed([one.text for one in items])) == gold
    sure = [max(one.probabilities.values()) for one in found if one.probabilities]
    return {
        "set": name,
        "labelled": labelled,
        "seed": seed,
        "rows": len(test),
        "coverage": float(told.mean()),
        "right": float((said == gold)[told].mean()) if told.any() else None,
        "said_probability": float(np.mean(sure)) if sure else None,
        "head_same_rows": float(right[told].mean()) if told.any() else None,
        "head_all": float(right.mean()),
        "dropped": {
            one.name: one.verdict.dropped
            for one in annotator.reports_
            if one.verdict.dropped is not None
        },
        "programs": len(annotator.programs),
        "seconds": round(seconds, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    options = parser.parse_args()
    from llmal.embed import SentenceEmbedder

    kept = {"embedder": SentenceEmbedder()}
    cells = [
        measure(options.shared, name, labelled, seed, kept)
        for name in PATTERNS
        for labelled in LABELLED
        for seed in range(SEEDS)
    ]
    write_results(NAME, {"cells": cells})


if __name__ == "__main__":
    main()
