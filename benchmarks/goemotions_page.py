"""The section of the results page on several labels an item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
_MEASURES = ("micro_f1", "macro_f1", "samples_f1", "subset_accuracy")
_HEADS = ("micro F1", "macro F1", "sample F1", "whole answers right")


def goemotions(figures: Figures) -> list[str]:
    """What has been measured so far, part by part."""
    lines = [
        "28 emotions, most of them rare. Every choice (how the model is asked, how scores become "
        "answers, the learner's penalty and thresholds) was made on train rows; what follows is on "
        "test rows, once, where nothing else is said. F1 of a label that is neither given nor true "
        "is 0.",
    ]
    for name, part in figures["parts"].items():
        kind, _, model = name.partition(" ")
        lines += _PARTS[kind](part, model)
    return lines


def _cells(one: Mapping[str, float]) -> list[str]:
    return [f"{one[name]:.3f}" for name in _MEASURES]


def _annotator(part: Mapping[str, Any], model: str) -> list[str]:
    lines = [
        "",
        f"**{model} as annotator.** *AUC*: how well scores rank the items of a label, mean over "
        "labels that three items have; 0.5 is chance, and neither calibration nor thresholds "
        "change it. `label_names` asks for the labels and takes the probability of being named "
        "first; `label_each` asks about each label, yes or no. In process, seconds of the "
        "processor, one thread.",
        "",
        *table(
            ["asked", "items", "AUC", "requests an item", "tokens an item", "seconds an item"],
            (
                [
                    asked,
                    one["test_items"],
                    f"{one['auc_test']:.3f}",
                    f"{one['requests']:.1f}",
                    f"{one['tokens']:,.0f}",
                    f"{one['seconds']:.2f}",
                ]
                for asked, one in part.items()
            ),
        ),
        "",
        "From scores to answers. *Labels*: train rows whose labels are used. *Auto*: prior "
        "matching, and above the threshold of the best expected F1 on 64 texts; the default. *No "
        "model*: the same labels for every item, those that are frequent enough to raise F1 on "
        "the labelled rows.",
        "",
        *table(
            ["asked", "way", "labels", *_HEADS, "labels given", "log-loss"],
            (
                [
                    asked,
                    way["way"],
                    way["labels"],
                    *_cells(way),
                    f"{way['labels_given']:.1f}",
                    f"{way['log_loss']:.2f}",
                ]
                for asked, one in part.items()
                for way in one["ways"]
            ),
        ),
    ]
    return [*lines, "", _read_annotator(part, model)]


def _read_annotator(part: Mapping[str, Any], model: str) -> str:
    names, each = part["label_names, 0 shots"], part["label_each, 0 shots"]
    best = max(
        (way for one in part.values() for way in one["ways"] if not way["way"].startswith("no ")),
        key=lambda way: way["micro_f1"],
    )
    constant = max(
        (way for one in part.values() for way in one["ways"] if way["way"].startswith("no ")),
        key=lambda way: way["micro_f1"],
    )
    return (
        f"How to read it. Asked about each label, {model} ranks items with an AUC of "
        f"{each['auc_test']:.3f} at {each['seconds'] / names['seconds']:.0f} times the seconds; "
        f"asked for the labels, of {names['auc_test']:.3f}. The best micro F1 is "
        f"{best['micro_f1']:.3f} ({best['way']}); without any model the labels that are frequent "
        f"reach {constant['micro_f1']:.3f}, so that micro F1 alone says little here, and macro F1 "
        f"({best['macro_f1']:.3f} against {constant['macro_f1']:.3f}) and AUC say what a model "
        "knows."
    )


def _learner(part: Sequence[Mapping[str, Any]], model: str) -> list[str]:
    found: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for one in part:
        found[one["learner"], one["labels"]].append(one)
    return [
        "",
        "**Learners** on MiniLM embeddings, random train rows, mean ± standard deviation over "
        "three seeds, all test rows. scikit-learn is OneVsRestClassifier(LogisticRegression), with "
        "C=1 where nothing else is said.",
        "",
        *table(
            ["learner", "labels", *_HEADS, "seconds of a fit"],
            (
                [
                    name,
                    labels,
                    *(
                        f"{np.mean([one[key] for one in rows]):.3f} ± "
                        f"{np.std([one[key] for one in rows], ddof=1):.3f}"
                        for key in _MEASURES
                    ),
                    f"{np.mean([one['seconds'] for one in rows]):.2f}",
                ]
                for (name, labels), rows in found.items()
            ),
        ),
        "",
        _read_learner(found),
    ]


def _read_learner(found: Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]) -> str:
    def mean(learner: str, labels: int, what: str) -> float:
        return float(np.mean([one[what] for one in found[learner, labels]]))

    sizes = sorted({labels for _, labels in found})
    balanced = "scikit-learn, balanced"
    micro, macro = (
        ", ".join(f"{mean('llmal', n, key) - mean(balanced, n, key):+.3f}" for n in sizes)
        for key in ("micro_f1", "macro_f1")
    )
    times = mean("llmal", sizes[-1], "seconds") / mean(balanced, sizes[-1], "seconds")
    return (
        "How to read it. Above one half rare labels are hardly given, whatever the penalty. "
        "Against scikit-learn's class_weight=balanced, the best of its ways, llmal's default has "
        f"{micro} micro F1 and {macro} macro F1 at {', '.join(map(str, sizes))} labels: its "
        "thresholds, drawn towards a common one, serve the first rather than the second. Penalty "
        f"and thresholds take five folds, {times:.0f} times the seconds of one fit; its "
        "probabilities stay those of the data, which selectors and routers go by, and balanced "
        "weights do not leave them so."
    )


def _choices(part: Sequence[Mapping[str, Any]], model: str) -> list[str]:
    return [
        "",
        "**How thresholds were chosen**, on train rows alone: 1,500 of them judge what was learnt "
        "and cut on others, three seeds. *Its own*: the threshold of the best F1 of each label on "
        "held-out items; *drawn by n*: towards the one for all labels, which a label that n items "
        "have counts as much as its own.",
        "",
        *table(
            ["labels", "penalty", "thresholds", *_HEADS],
            ([one["labels"], one["penalty"], one["thresholds"], *_cells(one)] for one in part),
        ),
        "",
        "How to read it. One threshold for all is best for micro F1, sample F1 and whole answers, "
        "thresholds of each label for macro F1 until there are 2,000 labels. Drawn by 100 is the "
        "default: it gives up little of the first for some of the second. It is one data set.",
    ]


def _selectors(part: Mapping[str, Sequence[Mapping[str, Any]]], model: str) -> list[str]:
    labels = next(iter(part.values()))[0]["labels"]

    def points(name: str, measure: str) -> np.ndarray:
        return np.array([one["points"][measure] for one in part[name]])

    def gain(name: str, measure: str) -> str:
        each = (points(name, measure) - points("random", measure))[:, 1:].mean(axis=1)
        return f"{each.mean():+.3f} ± {each.std(ddof=1) / len(each) ** 0.5:.3f}"

    return [
        "",
        f"**Selectors**, from {labels[0]} random labels to {labels[-1]} in steps of "
        f"{labels[1] - labels[0]}, the linear head (C=10, thresholds of its own) after each, "
        f"{len(part['random'])} seeds, all test rows. *Gain*: mean over the curve of what is above "
        "random picks of the same seed, ± its standard error. Strategies of small-text get the "
        "same probabilities and labels in the same loop.",
        "",
        *table(
            [
                "strategy",
                "micro F1 at the end",
                "gain in micro F1",
                "macro F1 at the end",
                "gain in macro F1",
                "seconds a round",
            ],
            (
                [
                    name,
                    f"{points(name, 'micro_f1')[:, -1].mean():.3f}",
                    gain(name, "micro_f1") if name != "random" else "",
                    f"{points(name, 'macro_f1')[:, -1].mean():.3f}",
                    gain(name, "macro_f1") if name != "random" else "",
                    f"{np.mean([one['seconds'] for one in part[name]]):.3f}",
                ]
                for name in part
            ),
        ),
        "",
        _read_selectors(part, points),
    ]


def _read_selectors(part: Mapping[str, Any], points: Any) -> str:
    gains = {
        measure: {
            name: float((points(name, measure) - points("random", measure))[:, 1:].mean())
            for name in part
            if name != "random"
        }
        for measure in ("micro_f1", "macro_f1")
    }
    best = {measure: max(each, key=each.__getitem__) for measure, each in gains.items()}
    above = [name for name, gain in gains["micro_f1"].items() if gain > 0]
    sure = []
    for name in above:
        each = (points(name, "micro_f1") - points("random", "micro_f1"))[:, 1:].mean(axis=1)
        if each.mean() > 2 * each.std(ddof=1) / len(each) ** 0.5:
            sure.append(name)
    return (
        f"How to read it. {len(above)} of {len(gains['micro_f1'])} strategies are above random in "
        f"micro F1 ({', '.join(above) or 'none'}); the best is {best['micro_f1']} "
        f"({gains['micro_f1'][best['micro_f1']]:+.3f}), in macro F1 {best['macro_f1']} "
        f"({gains['macro_f1'][best['macro_f1']]:+.3f}). By more than two standard errors: "
        f"{', '.join(sure) or 'none'}. Three seeds are few. CVIRS and the weighed cardinality of "
        "small-text depart from their papers, as the selectors' docstrings say, and so from "
        "llmal's; its plain cardinality is the same, but for ties, which it does not draw."
    )


def _agreement(part: Sequence[Mapping[str, Any]], model: str) -> list[str]:
    return [
        "",
        "**Utilities beside small-text's** on the arrays of one round, 200 labels; the 50 best, "
        "ties in the order of the pool. Where they differ, llmal's computed again by the rule that "
        "small-text's code has in the place of the paper's.",
        "",
        *table(
            [
                "small-text",
                "in the place of llmal's rule",
                "rank correlation",
                "largest difference",
                "same picks",
            ],
            (
                [
                    one["strategy"],
                    one["given llmal"],
                    f"{one['rank correlation']:.3f}",
                    f"{one['largest difference']:.1e}",
                    f"{one['same picks']:.0%}",
                ]
                for one in part
            ),
        ),
    ]


def _run(part: Mapping[str, Any], model: str) -> list[str]:
    kills = part["kills"]
    equal = sum(one["equal"] for one in kills)
    exports = ", ".join(kind for kind, same in part["exports"].items() if same)
    wrong = ", ".join(kind for kind, same in part["exports"].items() if not same)
    last = part["learner"]
    return [
        "",
        f"**A run** with {model}, then people simulated from gold, over {part['pool']} items in "
        f"{part['rounds']} rounds: {part['annotations']} annotations, "
        f"{last['spent']['requests']:,} requests, {last['spent']['tokens']:,} tokens, "
        f"{part['seconds']:.0f} s. Killed with SIGKILL at {len(kills)} random moments "
        f"({', '.join(str(one['annotations_kept']) for one in kills)} annotations were kept) and "
        f"run again: the ledger was equal to the undisturbed one in {equal} of {len(kills)}. "
        f"Exported and read back equal: {exports}{'; not equal: ' + wrong if wrong else ''}. The "
        f"learner at the end, {last['labelled']} labels: micro F1 {last['micro_f1']:.3f}, macro F1 "
        f"{last['macro_f1']:.3f} on {part['test']} test rows.",
    ]


def _served(part: Mapping[str, Any], model: str) -> list[str]:
    return [
        "",
        f"**At a vLLM server** ({model}, CPU), beside the same in process, uncalibrated:",
        "",
        *table(
            [
                "asked",
                "items",
                "largest difference in log-odds",
                "in probability",
                "requests an item, server",
                "in process",
                "seconds an item, server",
                "in process",
            ],
            (
                [
                    asked,
                    one["items"],
                    f"{one['largest difference in log-odds']:.1e}",
                    f"{one['largest difference in probability']:.1e}",
                    *(
                        f"{one['requests an item'][where]:.1f}"
                        for where in ("server", "in process")
                    ),
                    *(f"{one['seconds an item'][where]:.3f}" for where in ("server", "in process")),
                ]
                for asked, one in part.items()
            ),
        ),
    ]


_PARTS = {
    "annotator": _annotator,
    "learner": _learner,
    "choices": _choices,
    "selectors": _selectors,
    "agreement": _agreement,
    "run": _run,
    "served": _served,
}
