"""A model whose label prior is skewed by a known factor, and what each correction brings back.

    python benchmarks/prior_corrections.py [--lm FOLDER] [--data FOLDER] [--items 200]

A bias of ln(factor) is added to the model's output layer, for the first token of some labels. That
multiplies the probability of the label by the factor, so over the labels p_skewed is proportional
to factor x p, exactly. Each prior correction is fitted on the skewed model without any label, on
the prompts that it asks for; pool and items to be judged are different texts.

The right target is not obvious, so both are reported, as mean KL(target || result) over the items
and as the KL of the mean distribution:

- *raw*: the distribution p of the model before the skew. A correction divides by all of the prior,
  the model's own included, so even one that takes out the skew entirely ends at the distance that
  it moves the unskewed model (column "unskewed"), not at 0.
- *same*: the same correction, fitted on the unskewed model and applied to it. This is what the
  skew still does after the correction; 0 means that it is gone, which only a correction can reach
  that answers a factor on p with the same factor on its prior. Prior matching does, by its
  definition. Contextual and domain-context, which take the mean of raw probabilities, do as long as
  the labels hold little of the model's probability; where the labels hold nearly all of it (with
  demonstrations), and in the means over the pool of batch and promptal-prior always, an input that
  is already sure cannot go up tenfold, and the prior is found too even.

"factor found" is how much higher the fitted prior of the (first) favoured label is on the skewed
model, against the geometric mean of the labels that were left alone: the true one is 10.
Accuracies are beside it, of the skewed model and of the unskewed one, with the correction and
without.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from results_file import write_results

from llmal.calibration import (
    Batch,
    Calibrator,
    Contextual,
    DomainContext,
    PriorMatching,
    PromptALPrior,
    Prototypical,
)
from llmal.lm import TransformersLM

Array = NDArray[np.float64]
CORRECTIONS: tuple[Callable[[], Calibrator], ...] = (
    Contextual,
    DomainContext,
    Batch,
    # Of 100 for each label, the support set would be the whole pool.
    lambda: PromptALPrior(per_label=20),
    PriorMatching,
    Prototypical,
)


@dataclass(frozen=True)
class Setting:
    """A data set in completion style, and the labels that get a factor."""

    text: str
    label: str
    labels: tuple[str, ...]
    skews: Mapping[str, Mapping[str, float]]


SETTINGS = {
    "trec6": Setting(
        "Question: {}",
        "Answer Type:",
        ("Number", "Location", "Person", "Description", "Entity", "Abbreviation"),
        {
            "Location x 10": {"Location": 10},
            "Location x 10, Number x 5, Person / 5": {"Location": 10, "Number": 5, "Person": 0.2},
        },
    ),
    "ag_news": Setting(
        "Article: {}",
        "Topic:",
        ("World", "Sports", "Business", "Sci/Tech"),
        {
            "Sports x 10": {"Sports": 10},
            "Sports x 10, World / 5": {"Sports": 10, "World": 0.2},
        },
    ),
}


@contextmanager
def skewed(lm: TransformersLM, factors: Mapping[str, float]) -> Iterator[None]:
    """The model with a bias in its output layer; candidates are what `score` is given.

    `TransformersLM` has no door to the layers of its model, so this opens one.
    """
    head = lm._model.get_output_embeddings()
    assert head.bias is None
    first = [ids[0] for ids in lm._encoder.candidates(list(factors))]
    bias = torch.zeros(head.out_features, dtype=head.weight.dtype, device=head.weight.device)
    bias[first] = torch.log(torch.tensor(list(factors.values()), dtype=bias.dtype)).to(bias.device)
    head.bias = torch.nn.Parameter(bias, requires_grad=False)
    try:
        yield
    finally:
        head.bias = None


@dataclass(frozen=True)
class Prompts:
    """What is scored: the prompts of each kind of input, with the same demonstrations."""

    head: str
    setting: Setting

    def around(self, texts: Sequence[str]) -> list[str]:
        return [f"{self.head}{self._one(text)}" for text in texts]

    def _one(self, text: str) -> str:
        return f"{self.setting.text.format(text)}\n{self.setting.label}"

    @classmethod
    def with_demonstrations(cls, rows: Sequence[Mapping[str, str]], setting: Setting) -> Prompts:
        plain = cls("", setting)
        shown = [f"{plain._one(row['text'])} {row['label']}\n\n" for row in rows]
        return cls("".join(shown), setting)


def read_rows(path: Path, count: int, longest: int = 150) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = (json.loads(line) for line in file)
        kept = (row | {"text": row["text"][:longest]} for row in rows)
        return [row for row, _ in zip(kept, range(count), strict=False)]


def all_scores(
    lm: TransformersLM, prompts: Mapping[str, Sequence[str]], labels: Sequence[str]
) -> dict[str, Array]:
    candidates = [f" {label}" for label in labels]
    return {kind: lm.score(texts, candidates).log_probs for kind, texts in prompts.items()}


def probabilities(logs: Array) -> Array:
    return np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))


def kl(target: Array, result: Array) -> float:
    """Mean over the rows of KL(target || result), in nats."""
    ratio = np.log(np.maximum(target, 1e-300)) - np.log(np.maximum(result, 1e-300))
    return float((target * ratio).sum(axis=-1).mean())


def both(target: Array, result: Array) -> dict[str, float]:
    return {"items": kl(target, result), "mean": kl(target.mean(axis=0), result.mean(axis=0))}


def share_right(result: Array, truth: NDArray[np.int64]) -> float:
    return float((result.argmax(axis=1) == truth).mean())


def compare(
    correction: Callable[[], Calibrator],
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    truth: NDArray[np.int64],
) -> dict[str, Any]:
    """One correction, fitted on the model before the skew and after it."""
    one, other = (
        made.fit(scores[made.fits_on])
        for made, scores in ((correction(), before), (correction(), after))
    )
    raw = probabilities(before["test"])
    corrected, result = one.transform(before["test"]), other.transform(after["test"])
    return {
        "raw": both(raw, result),
        "same": both(corrected, result),
        "unskewed": both(raw, corrected),
        "accuracy": [share_right(corrected, truth), share_right(result, truth)],
        "prior": [getattr(made, "prior", np.array([])).tolist() for made in (one, other)],
    }


def factor_found(row: Mapping[str, Any], favoured: int, alone: Sequence[int]) -> float | None:
    unskewed, skew = (np.array(one) for one in row["prior"])
    if not len(skew):
        return None
    ratio = np.log(skew / unskewed)
    return float(np.exp(ratio[favoured] - ratio[list(alone)].mean()))


def measure(
    lm: TransformersLM, setting: Setting, folder: Path, items: int, shots: int, seed: int
) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    train = read_rows(folder / "train.jsonl.gz", items + shots)
    pool = [row["text"] for row in train[shots:]]
    test = read_rows(folder / "test.jsonl.gz", items)
    prompts = Prompts.with_demonstrations(train[:shots], setting)
    asked = {
        "content-free": prompts.around(Contextual().inputs),
        "random-words": prompts.around(DomainContext().inputs(pool, rng)),
        "pool": prompts.around(pool),
        "test": prompts.around([row["text"] for row in test]),
    }
    truth = np.array([setting.labels.index(row["label"]) for row in test])
    before = all_scores(lm, asked, setting.labels)
    rows = []
    for skew, factors in setting.skews.items():
        with skewed(lm, {f" {label}": factor for label, factor in factors.items()}):
            after = all_scores(lm, asked, setting.labels)
        raw, biased = probabilities(before["test"]), probabilities(after["test"])
        expected = raw * [factors.get(label, 1.0) for label in setting.labels]
        expected /= expected.sum(axis=1, keepdims=True)
        places = [setting.labels.index(label) for label in factors]
        alone = [i for i in range(len(setting.labels)) if i not in places]
        found = {made().name: compare(made, before, after, truth) for made in CORRECTIONS}
        for one in found.values():
            one["factor"] = factor_found(one, places[0], alone)
        rows.append(
            {
                "data": folder.name,
                "shots": shots,
                "skew": skew,
                "labels": setting.labels,
                "before": both(raw, biased),
                "accuracy": [share_right(raw, truth), share_right(biased, truth)],
                "off_the_known_factor": float(np.abs(expected - biased).max()),
                "mean": [raw.mean(axis=0).tolist(), biased.mean(axis=0).tolist()],
                "corrections": found,
            }
        )
    return rows


def main() -> None:
    shared = Path(os.environ.get("LLMAL_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lm", type=Path, default=shared / "models" / "tiny-lm")
    parser.add_argument("--data", type=Path, default=shared / "data")
    parser.add_argument("--sets", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--items", type=int, default=200, help="of the pool, and to judge")
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 4])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    lm = TransformersLM(options.lm, device="cpu")
    rows = []
    for name in options.sets:
        for shots in options.shots:
            folder = options.data / name
            for row in measure(lm, SETTINGS[name], folder, options.items, shots, options.seed):
                rows.append(row)
                _show(row)
    print(
        write_results(
            "prior_corrections",
            {"items": options.items, "seed": options.seed, "rows": rows},
            model=options.lm.name,
        )
    )


def _show(row: Mapping[str, Any]) -> None:
    print(f"\n{row['data']}, {row['shots']} shots, {row['skew']}")
    print(f"  largest distance from factor x p: {row['off_the_known_factor']:.1e}")
    print(f"{'':16} raw: items    mean  same: items    mean  unskewed: items  factor  accuracy")
    before = row["before"]
    shares = " -> ".join(f"{one:.3f}" for one in row["accuracy"])
    print(f"{'uncorrected':16} {before['items']:10.4f} {before['mean']:7.4f}{shares:>61}")
    for name, one in row["corrections"].items():
        factor = "-" if one["factor"] is None else f"{one['factor']:.2f}"
        print(
            f"{name:16} {one['raw']['items']:10.4f} {one['raw']['mean']:7.4f} "
            f"{one['same']['items']:12.4f} {one['same']['mean']:7.4f} "
            f"{one['unskewed']['items']:16.4f} {factor:>7}  "
            + " -> ".join(f"{share:.3f}" for share in one["accuracy"]),
            flush=True,
        )


if __name__ == "__main__":
    main()
