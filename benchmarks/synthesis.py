"""What a model's synthetic questions are worth, on trec6.

    python benchmarks/synthesis.py [--model ../shared/models/tiny-lm] [--seeds 3] [--per-label 50]

For each seed `ClassConditional` writes questions of each label, from six demonstrations of the
label drawn from the training set, and the three filters check them. Then LinearHead is trained on
MiniLM embeddings of

    accepted       the synthetic questions that passed all filters,
    unfiltered     those that could be read at all,
    no agreement   those that passed all filters but the label agreement,
    real           real labelled questions, as many of each label as `accepted` has,
    demonstrations the six real questions of each label that the prompts drew from,
    both           demonstrations and accepted,
    guessing       nothing: a label at random,

and its accuracy on the 500 test questions is compared. Printed, and written to
results/synthesis.json. tiny-lm has 7 million parameters: this shows that the parts work together
and what each filter refuses; it says nothing of what a real language model would write.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from results_file import write_results

from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.generators import (
    ClassConditional,
    FormatAndLength,
    LabelAgreement,
    NearDuplicates,
    Request,
    run_filters,
)
from llmal.learners import LinearHead
from llmal.lm import TransformersLM
from llmal.prompting import load_prompt
from llmal.task import Task

ROOT = Path(__file__).resolve().parents[1]
LABELS = ("Number", "Location", "Person", "Description", "Entity", "Abbreviation")
DEMONSTRATIONS = 6


def _read(path: Path) -> list[Item]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Item(str(row["id"]), row["text"], gold=row["label"]) for row in rows]


def _accuracy(embedder, texts, labels, test_X, test_y) -> float | None:
    if not texts:
        return None
    model = LinearHead().fit(embedder.embed(texts), np.array(labels))
    return float((model.predict(test_X) == test_y).mean())


def _trained(name, embedder, pairs, test_X, test_y) -> dict[str, float | None]:
    accuracy = _accuracy(embedder, [t for t, _ in pairs], [y for _, y in pairs], test_X, test_y)
    return {f"{name}_n": len(pairs), f"{name}_accuracy": accuracy}


def _run(seed, arguments, lm, embedder, train, test_X, test) -> dict:
    rng = np.random.default_rng(seed)
    shuffled = [train[i] for i in rng.permutation(len(train))]
    shown = [
        item
        for label in LABELS
        for item in [one for one in shuffled if one.gold == label][:DEMONSTRATIONS]
    ]
    task = Task("trec6", LABELS, guidelines="What kind of answer does the question ask for?")
    prompt = replace(load_prompt("generate"), defaults={"noun": "question"})
    generator = ClassConditional(
        task, lm, prompt=prompt, style="chat", structure=arguments.structure, max_words=24
    )
    filters = [
        FormatAndLength(3, 24, task=task, special_tokens=lm.special_tokens),
        NearDuplicates([one.text for one in train], [one.text for one in test], embedder=embedder),
        LabelAgreement(task, lm),
    ]
    started = time.perf_counter()
    written = [
        item
        for label in LABELS
        for item in generator.generate(Request(label, shown, seed=seed), arguments.per_label)
    ]
    writing = time.perf_counter() - started
    started = time.perf_counter()
    items = run_filters(written, filters)
    filtering = time.perf_counter() - started
    accepted = [(one.text, one.label) for one in items if one.accepted]
    counts = Counter(label for _, label in accepted)
    pairs = {
        "accepted": accepted,
        "unfiltered": [(one.text, one.label) for one in written if one.accepted],
        "no_agreement": [
            (one.text, one.label)
            for one in items
            if one.accepted or one.refused_by == "label_agreement"
        ],
        "real": [
            (one.text, one.gold)
            for label in LABELS
            for one in [one for one in shuffled[::-1] if one.gold == label][: counts[label]]
        ],
        "demonstrations": [(one.text, one.gold) for one in shown],
        "both": [*((one.text, one.gold) for one in shown), *accepted],
    }
    test_y = np.array([one.gold for one in test])
    row = {
        "seed": seed,
        "written": len(items),
        "accepted_by_label": {label: counts[label] for label in LABELS},
        "refused": dict(Counter(one.refused_by for one in items if not one.accepted)),
        "seconds_writing": writing,
        "seconds_filtering": filtering,
        "different_texts": len({one.text for one in written}),
        "guessing_accuracy": float((rng.choice(LABELS, len(test_y)) == test_y).mean()),
        "passed": [one.text for one in items if one.accepted][:: max(1, len(accepted) // 8)],
    }
    for name, chosen in pairs.items():
        row |= _trained(name, embedder, chosen, test_X, test_y)
    return row


def _spread(rows, name) -> tuple[float, float]:
    values = [row[name] for row in rows if row[name] is not None]
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--model", default=None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--per-label", type=int, default=50)
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.add_argument("--structure", choices=("line", "json"), default="line")
    arguments = parser.parse_args()
    data = Path(arguments.shared) / "data" / "trec6"
    model = arguments.model or Path(arguments.shared) / "models" / "tiny-lm"
    lm = TransformersLM(model, device=arguments.device, dtype=arguments.dtype)
    embedder = SentenceEmbedder()
    train, test = _read(data / "train.jsonl.gz"), _read(data / "test.jsonl.gz")
    test_X = embedder.embed([one.text for one in test])
    # Not to be counted in the first seed's filtering time.
    embedder.embed([one.text for one in train])

    rows = [
        _run(seed, arguments, lm, embedder, train, test_X, test) for seed in range(arguments.seeds)
    ]
    refusers = ("class_conditional", "format_length", "near_duplicates", "label_agreement")
    print("seed  written  different  " + "  ".join(refusers) + "  accepted  s writing  s filtering")
    for row in rows:
        refused = "  ".join(f"{row['refused'].get(one, 0):>{len(one)}}" for one in refusers)
        print(
            f"{row['seed']:>4}  {row['written']:>7}  {row['different_texts']:>9}  {refused}  "
            f"{row['accepted_n']:>8}  {row['seconds_writing']:>9.1f}  "
            f"{row['seconds_filtering']:>11.1f}"
        )
    by_label = Counter()
    for row in rows:
        by_label.update(row["accepted_by_label"])
    asked = arguments.per_label * arguments.seeds
    shares = {label: by_label[label] / asked for label in LABELS}
    print("accepted share: " + ", ".join(f"{label} {share:.2f}" for label, share in shares.items()))
    print(f"\n{'trained on':<16} {'items':>6}  accuracy (mean ± sd over seeds)")
    accuracy = {}
    names = ("accepted", "unfiltered", "no_agreement", "real", "demonstrations", "both", "guessing")
    for name in names:
        mean, spread = _spread(rows, f"{name}_accuracy")
        count = 0 if name == "guessing" else _spread(rows, f"{name}_n")[0]
        accuracy[name] = {"items": count, "mean": mean, "sd": spread}
        print(f"{name:<16} {count:>6.0f}  {mean:.3f} ± {spread:.3f}")
    print("\nsome that passed: " + " | ".join(rows[0]["passed"][:6]))
    figures = {
        "data": "trec6",
        "embedder": embedder.model,
        "structure": arguments.structure,
        "per_label": arguments.per_label,
        "accepted_share": shares,
        "accuracy": accuracy,
        "seeds": rows,
    }
    write_results("synthesis", figures, model=Path(model).name)


if __name__ == "__main__":
    main()
