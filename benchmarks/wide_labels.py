"""Wide label sets: all labels scored, a shortlist for each item, and labels as codes.

    python benchmarks/wide_labels.py --model NAME_OR_FOLDER [--shared ../shared] [--items 60]
        [--server-items 8]

trec6's fine labels (50, under plain words) and dbpedia14 (14, with a shortlist by force),
zero-shot, the completion prompt, scores calibrated on inputs without content and not. A shortlist
is ranked without labelled items, with the usual size, or with 100 of the train part, which also
choose the size for a recall of 0.95; its recall is measured on the items that are labelled.
Requests are counted for a server, which is asked once for each inner node of the labels' trie, and
for a model in process; seconds are of the processor, one thread, in process.

With `--server-items` llmal then starts a vLLM server on the same model and labels so many of the
items there: what its own counter of finished requests gained is put beside what the client counted
and what was computed for these items.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from results_file import write_results

from llmal.annotators import Context, LLMAnnotator
from llmal.calibration.measures import accuracy, expected_calibration_error
from llmal.core.records import Item, Usage
from llmal.embed import SentenceEmbedder
from llmal.lm import VLLM, LanguageModel, TransformersLM
from llmal.lm.counting import CountingLM
from llmal.prompting.shortlist import Shortlist
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
_FINISHED = re.compile(r"^vllm:request_success_total{.*} (\S+)$", re.MULTILINE)


def read(folder: Path, part: str, column: str, words: int = 60) -> list[Item]:
    with gzip.open(folder / f"{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Item(f"{part}-{n}", " ".join(row["text"].split()[:words]), gold=row[column])
        for n, row in enumerate(rows)
    ]


@dataclass(frozen=True)
class Drawn:
    """A task, its labelled train rows, and the test items to label."""

    task: Task
    labelled: list[Item]
    items: list[Item]


def read_set(name: str, shared: Path, count: int) -> Drawn:
    """Test items of labels that the train part has, drawn once."""
    one = SETS[name]
    folder = shared / "data" / one["folder"]
    train, test = (read(folder, part, one["column"]) for part in ("train", "test"))
    rng = np.random.default_rng(0)
    labelled = [train[i] for i in rng.choice(len(train), LABELLED, replace=False)]
    known = sorted({str(item.gold) for item in train})
    items = [item for item in test if item.gold in known]
    items = [items[i] for i in np.sort(rng.choice(len(items), count, replace=False))]
    labels = [Label(label, words=(FINE[label],) if label in FINE else ()) for label in known]
    return Drawn(Task(one["folder"], labels, guidelines=one["guidelines"]), labelled, items)


def ways(name: str, drawn: Drawn, lm: LanguageModel) -> Iterator[tuple[str, LLMAnnotator, Context]]:
    """All labels, the shortlist without and with labelled items, and codes."""
    shortlist = SETS[name]["shortlist"]
    options: dict[str, tuple[dict[str, Any], Sequence[Item]]] = {
        "all labels": ({"shortlist": 0}, ()),
        "shortlist": ({"shortlist": shortlist}, ()),
        f"shortlist, {LABELLED} labelled": ({"shortlist": shortlist}, drawn.labelled),
        "codes": ({"codes": True}, ()),
    }
    embedder = SentenceEmbedder()
    for way, (given, shown) in options.items():
        annotator = LLMAnnotator(
            drawn.task, lm, style="completion", calibrate="contextual", embedder=embedder, **given
        )
        yield way, annotator, Context(demonstrations=tuple(shown))


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
    served = computed(annotator, items, context, counting)
    found: dict[str, Any] = {}
    if shortlist is not None:
        inside = shortlist.inside(items)
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


def computed(
    annotator: LLMAnnotator, items: list[Item], context: Context, counting: CountingLM
) -> Usage:
    """What a server will be asked for the labels of the items, without asking it."""
    prompts = [one.prompt for one in annotator.build(items, context)]
    candidates = annotator.prompts.candidates
    shortlist: Shortlist | None = annotator.shortlist_for(context)
    if shortlist is None:
        return counting.score_cost(prompts, candidates)
    subsets = [np.flatnonzero(row).tolist() for row in shortlist.inside(items)]
    return counting.subsets_cost(prompts, candidates, subsets)


def counted(
    annotator: LLMAnnotator, items: list[Item], context: Context, counting: CountingLM, lm: VLLM
) -> dict[str, Any]:
    """Requests that a server itself counts for the items, the client's count and the computed."""
    annotator.prepare(context)
    before = finished_requests(lm)
    begun = time.perf_counter()
    given = annotator.annotate(items, context)
    seconds = time.perf_counter() - begun
    return {
        "items": len(items),
        "server": finished_requests(lm) - before,
        "client": sum(one.usage.requests for one in given),
        "computed": computed(annotator, items, context, counting).requests,
        "seconds": seconds / len(items),
    }


def finished_requests(lm: VLLM) -> int:
    """The server's own counter: one for each prompt that it has answered."""
    text = httpx.get(lm.urls[0].removesuffix("/v1") + "/metrics", timeout=60).text
    return int(sum(float(value) for value in _FINISHED.findall(text)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--server-items", type=int, default=0)
    parser.add_argument("--dtype")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    given = parser.parse_args()
    torch.set_num_threads(1)
    lm = TransformersLM(
        given.model, device="cpu", dtype=given.dtype, batch_tokens=given.batch_tokens
    )
    counting = CountingLM(given.model)
    sets = {name: read_set(name, given.shared, given.items) for name in SETS}
    results: dict[str, Any] = {name: {} for name in SETS}
    for name, one in sets.items():
        for way, annotator, context in ways(name, one, lm):
            results[name][way] = figures(annotator, one.items, context, counting)
            print(name, way, json.dumps(results[name][way]), flush=True)
    if given.server_items:
        with VLLM.start(given.model, dtype=given.dtype, max_model_len=2048) as server:
            for name, one in sets.items():
                few = one.items[: given.server_items]
                for way, annotator, context in ways(name, one, server):
                    found = counted(annotator, few, context, counting, server)
                    results[name][way]["counted"] = found
                    print(name, way, json.dumps(found), flush=True)
    write_results(
        "wide_labels",
        {
            "items": given.items,
            "dtype": given.dtype or "default",
            "labelled": LABELLED,
            "sets": results,
        },
        model=Path(given.model).name,
    )


if __name__ == "__main__":
    main()
