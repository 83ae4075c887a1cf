"""Wide label sets: all labels scored, a shortlist for each item, and labels as codes.

    python benchmarks/wide_labels.py --model FOLDER [--shared ../shared] [--items 60]

trec6's fine labels (50, under plain words) and dbpedia14 (14, with a shortlist by force),
zero-shot, the completion prompt, scores calibrated on inputs without content and not. A shortlist
is ranked without labelled items, with the usual size, or with 100 of the train part, which also
choose the size for a recall of 0.95; its recall is measured on the items that are labelled.
Requests are counted for a server, which is asked once for each inner node of the labels' trie, and
for a model in process; seconds are of the processor, one thread, in process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results_file import write_results

from llmal.annotators import Context, LLMAnnotator
from llmal.calibration.measures import accuracy, expected_calibration_error
from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.lm import TransformersLM
from llmal.lm.counting import CountingLM
from llmal.task import Label, Task

FINE = {
    "ABBR:abb": "abbreviation",
    "ABBR:exp": "what an abbreviation stands for",
    "DESC:def": "definition",
    "DESC:desc": "description",
    "DESC:manner": "manner",
    "DESC:reason": "reason",
    "ENTY:animal": "animal",
    "ENTY:body": "part of the body",
    "ENTY:color": "colour",
    "ENTY:cremat": "book, film or other work",
    "ENTY:currency": "currency",
    "ENTY:dismed": "disease or medicine",
    "ENTY:event": "event",
    "ENTY:food": "food",
    "ENTY:instru": "musical instrument",
    "ENTY:lang": "language",
    "ENTY:letter": "letter of the alphabet",
    "ENTY:other": "another thing",
    "ENTY:plant": "plant",
    "ENTY:product": "product",
    "ENTY:religion": "religion",
    "ENTY:sport": "sport",
    "ENTY:substance": "substance",
    "ENTY:symbol": "symbol",
    "ENTY:techmeth": "technique or method",
    "ENTY:termeq": "term for the same",
    "ENTY:veh": "vehicle",
    "ENTY:word": "word",
    "HUM:desc": "description of a person",
    "HUM:gr": "group or organization",
    "HUM:ind": "person",
    "HUM:title": "title of a person",
    "LOC:city": "city",
    "LOC:country": "country",
    "LOC:mount": "mountain",
    "LOC:other": "another place",
    "LOC:state": "state",
    "NUM:code": "code",
    "NUM:count": "count",
    "NUM:date": "date",
    "NUM:dist": "distance",
    "NUM:money": "amount of money",
    "NUM:ord": "rank",
    "NUM:other": "another number",
    "NUM:perc": "percentage",
    "NUM:period": "length of time",
    "NUM:speed": "speed",
    "NUM:temp": "temperature",
    "NUM:volsize": "size or volume",
    "NUM:weight": "weight",
}
SETS: dict[str, dict[str, Any]] = {
    "trec6, fine": {
        "folder": "trec6",
        "column": "fine_label",
        "guidelines": "What kind of answer does the question ask for?",
        "shortlist": "auto",
    },
    "dbpedia14": {"folder": "dbpedia14", "column": "label", "guidelines": "", "shortlist": 5},
}
LABELLED = 100


def read(folder: Path, part: str, column: str, words: int = 60) -> list[Item]:
    with gzip.open(folder / f"{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Item(f"{part}-{n}", " ".join(row["text"].split()[:words]), gold=row[column])
        for n, row in enumerate(rows)
    ]


def figures(
    annotator: LLMAnnotator, items: list[Item], context: Context, counting: CountingLM
) -> dict[str, Any]:
    """What it costs to label the items, and how good the labels are."""
    prepared = annotator.prepare(context)
    shortlist = annotator.shortlist_for(context)
    begun = time.process_time()
    given = annotator.annotate(items, context)
    seconds = time.process_time() - begun
    names = annotator.task.names
    truth = [names.index(str(item.gold)) for item in items]
    calibrated = np.array([[(one.probabilities or {})[name] for name in names] for one in given])
    plain = np.array([[one.provenance["uncalibrated"][name] for name in names] for one in given])
    prompts = [one.prompt for one in annotator.build(items, context)]
    candidates = annotator.prompts.candidates
    found: dict[str, Any] = {}
    if shortlist is None:
        served = counting.score_cost(prompts, candidates)
    else:
        inside = shortlist.inside(items)
        subsets = [np.flatnonzero(row).tolist() for row in inside]
        served = counting.subsets_cost(prompts, candidates, subsets)
        found = {
            "shortlisted": shortlist.size.labels,
            "recall": float(inside[np.arange(len(items)), truth].mean()),
            "recall_told": shortlist.size.recall,
        }
    return {
        "labels": len(names),
        **found,
        "requests": {
            "server": served.requests / len(items),
            "in process": sum(one.usage.requests for one in given) / len(items),
        },
        "tokens": {
            "server": served.tokens / len(items),
            "in process": sum(one.usage.tokens for one in given) / len(items),
        },
        "seconds": seconds / len(items),
        "preparing": {"requests": prepared.usage.requests},
        "accuracy": {
            "uncalibrated": accuracy(plain.argmax(axis=1), truth),
            "calibrated": accuracy(calibrated.argmax(axis=1), truth),
        },
        "ece": {
            "uncalibrated": expected_calibration_error(plain, truth),
            "calibrated": expected_calibration_error(calibrated, truth),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--items", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    lm, counting = TransformersLM(given.model, device="cpu"), CountingLM(given.model)
    embedder = SentenceEmbedder()
    results: dict[str, Any] = {}
    for name, one in SETS.items():
        folder = given.shared / "data" / one["folder"]
        train, test = (read(folder, part, one["column"]) for part in ("train", "test"))
        rng = np.random.default_rng(0)
        labelled = [train[i] for i in rng.choice(len(train), LABELLED, replace=False)]
        known = sorted({str(item.gold) for item in train})
        items = [item for item in test if item.gold in known]
        items = [items[i] for i in np.sort(rng.choice(len(items), given.items, replace=False))]
        labels = [Label(label, words=(FINE[label],) if label in FINE else ()) for label in known]
        task = Task(one["folder"], labels, guidelines=one["guidelines"])
        ways: dict[str, tuple[dict[str, Any], list[Item]]] = {
            "all labels": ({"shortlist": 0}, []),
            "shortlist": ({"shortlist": one["shortlist"]}, []),
            f"shortlist, {LABELLED} labelled": ({"shortlist": one["shortlist"]}, labelled),
            "codes": ({"codes": True}, []),
        }
        results[name] = {}
        for way, (options, shown) in ways.items():
            annotator = LLMAnnotator(
                task,
                lm,
                style="completion",
                calibrate="contextual",
                embedder=embedder,
                **options,
            )
            found = figures(annotator, items, Context(demonstrations=shown), counting)
            results[name][way] = found
            print(name, way, json.dumps(found), flush=True)
    write_results(
        "wide_labels",
        {"items": given.items, "labelled": LABELLED, "sets": results},
        model=Path(given.model).name,
    )


if __name__ == "__main__":
    main()
