"""Training against noisy labels, from a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmal.config import RunConfig, parse_config
from llmal.errors import ConfigError
from llmal.factory.orchestrator import build
from llmal.learners import FromProbabilities, LinearHead, Pruned
from llmal.learners.noisy import Consistency, GaussianMixtureSplit, Mixup


def _parsed(folder: Path, learner: str) -> RunConfig:
    rows = [f"{n},{'cow' if n % 2 else 'soup'} {n},{'ab'[n % 2]}" for n in range(12)]
    (folder / "pool.csv").write_text("id,text,label\n" + "\n".join(rows) + "\n")
    head = "task: {name: farm, labels: [a, b]}\ndata: {pool: pool.csv, gold: label}\n"
    return parse_config(
        f"{head}annotator: {{name: human, via: gold}}\nlearner:\n{learner}",
        source="farm.yaml",
        base=folder,
    )


def test_terms_are_named_beside_a_learner(tmp_path: Path):
    config = _parsed(
        tmp_path,
        "  name: fine_tuned\n  model: some/model\n  terms:\n"
        "  - {name: gaussian_mixture_split, from_epoch: 2}\n  - mixup\n"
        "  - {name: consistency, perturbation: {name: tf-idf, rate: 0.1}}\n",
    )

    terms = build(config).learner.terms

    assert terms[:2] == (GaussianMixtureSplit(from_epoch=2), Mixup())
    assert isinstance(terms[2], Consistency)
    assert terms[2].perturbation.rate == 0.1
    assert parse_config(config.to_yaml(), base=tmp_path) == config


def test_learners_go_around_learners(tmp_path: Path):
    config = _parsed(
        tmp_path,
        "  {name: from_probabilities, use: weights,\n"
        "   learner: {name: pruned, folds: 3, learner: {name: linear, C: 3.0}}}\n",
    )

    learner = build(config).learner

    assert isinstance(learner, FromProbabilities)
    assert isinstance(learner.learner, Pruned)
    assert isinstance(learner.learner.learner, LinearHead)
    assert learner.learner.learner.C == 3.0
    assert learner.input == "embeddings"


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ("[{name: gaussian_mixture_spilt}]", "did you mean 'gaussian_mixture_split'"),
        ("[{name: mixup, lambda: 3}]", "mixup has no option 'lambda'"),
        ("[reweighting]", "reweighting lacks the option 'texts'"),
        ("[{from_epoch: 3}]", "has no name"),
        ("[{name: consistency, perturbation: paraphrase}]", "paraphrase needs a language model"),
    ],
)
def test_a_term_that_cannot_be_made_is_refused_before_the_run(
    terms: str, sentence: str, tmp_path: Path
):
    config = _parsed(tmp_path, f"  name: lora\n  model: some/model\n  terms: {terms}\n")
    with pytest.raises(ConfigError, match=sentence) as caught:
        build(config)
    assert "farm.yaml, line" in str(caught.value)
