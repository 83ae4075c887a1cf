from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.guarantee import Certificate, Evidence, Frozen, Procedure
from llmal.guarantee.catalogue import make
from llmal.guarantee.error_score import ErrorScore
from llmal.guarantee.evidence import differ
from llmal.guarantee.features import Embedding, MachineLabel
from llmal.guarantee.log_linear import LogLinear
from llmal.guarantee.mixture import Mixture
from llmal.guarantee.neighbours import Neighbours
from llmal.guarantee.trees import Trees
from llmal.task.spaces.multi import Multi
from llmal.task.spaces.single import Single

SPACE = Single(("a", "b", "c"))
WORDS = {0: "alpha apple", 1: "beta berry", 2: "gamma grape"}


def pool(items: int, labelled: int, seed: int = 0):
    """Texts and embeddings that tell the true label; a machine that mixes up b and c."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=items)
    machine = np.where((gold == 1) & (rng.random(items) < 0.6), 2, gold)
    embeddings = np.eye(3, 8)[gold] + 0.3 * rng.normal(size=(items, 8))
    evidence = Evidence(
        SPACE,
        machine,
        people=np.where(np.arange(items) < labelled, gold, -1),
        uniform=np.arange(items) < labelled,
        embeddings=embeddings.astype(np.float32),
        texts=[f"{WORDS[label]} {rng.integers(50)}" for label in gold.tolist()],
    )
    return evidence, gold


def test_learner_replaces_labels_that_the_machine_has_wrong():
    evidence, gold = pool(600, 100)
    scored = ErrorScore().fit(evidence, np.random.default_rng(0))
    rest = ~evidence.by_people
    machine = differ(evidence.machine, gold)[rest].mean()
    assert machine > 0.15
    assert differ(scored.labels, gold)[rest].mean() < machine / 4
    replaced = differ(scored.labels, evidence.machine)
    assert set(scored.by[replaced]) == {"learner"}
    assert set(scored.by[~replaced]) == {"machine"}


@pytest.mark.parametrize("options", [{"deliver": "machine"}, {"of": "errors"}])
def test_machine_labels_are_kept_on_request_and_wrong_ones_come_last(options):
    evidence, gold = pool(600, 100)
    scored = ErrorScore(**options).fit(evidence, np.random.default_rng(0))
    assert scored.labels.tolist() == evidence.machine.tolist()
    rest = np.flatnonzero(~evidence.by_people)
    wrong = differ(evidence.machine, gold)[rest]
    doubt = scored.probability_wrong[rest]
    above = (doubt[wrong][:, None] > doubt[~wrong][None, :]).mean()
    assert above > 0.95


def test_probabilities_are_borne_out():
    evidence, gold = pool(2000, 300, seed=1)
    scored = ErrorScore(deliver="machine").fit(evidence, np.random.default_rng(0))
    rest = ~evidence.by_people
    expected = scored.probability_wrong[rest].sum()
    assert expected == pytest.approx(differ(evidence.machine, gold)[rest].sum(), rel=0.25)


def test_same_random_numbers_give_the_same_score_in_a_new_object():
    evidence, _ = pool(300, 60)
    score = ErrorScore()
    scored = [one.fit(evidence, np.random.default_rng(0)) for one in (score, score, ErrorScore())]
    assert len({one.describe()["fingerprint"] for one in scored}) == 1


def test_fingerprint_changes_with_people_machine_texts_and_model():
    evidence, gold = pool(300, 60)
    machine = evidence.machine.copy()
    machine[200] = (machine[200] + 1) % 3
    people = evidence.people.copy()
    people[60] = gold[60]
    others = [
        (ErrorScore(), evidence),
        (ErrorScore(), replace(evidence, machine=machine)),
        (ErrorScore(), replace(evidence, people=people)),
        (ErrorScore(), replace(evidence, texts=None)),
        (ErrorScore(model=LogLinear()), evidence),
        (ErrorScore(deliver="machine"), evidence),
    ]
    values = {
        score.fit(one, np.random.default_rng(0)).describe()["fingerprint"] for score, one in others
    }
    assert len(values) == len(others)


def test_description_is_json_and_says_that_what_tells_labels_apart_mattered():
    evidence, _ = pool(400, 120)
    noise = np.random.default_rng(1).integers(3, size=400)  # 0 would draw the labels themselves
    said = ErrorScore().fit(replace(evidence, votes=(noise,)), np.random.default_rng(0)).describe()
    json.dumps(said)
    mattered = said["mattered"]
    assert set(mattered) == {
        "machine",
        "votes",
        "student of embeddings",
        "student of words",
        "neighbours",
        "length",
        "embedding",
    }
    assert mattered["neighbours"] > mattered["votes"]


@pytest.mark.parametrize(
    "change",
    [
        {"embeddings": None},
        {"texts": None},
        {"embeddings": None, "texts": None},
        {"people": np.full(60, -1)},
        {"people": np.where(np.arange(60) < 20, 0, -1)},
        {"people": np.where(np.arange(60) == 3, 1, -1)},
        {"machine": np.full(60, -1)},
        {"machine": np.zeros(60, dtype=np.int64)},
        {"confidence": np.full(60, np.nan)},
        {"confidence": np.ones(60)},
        {"probabilities": np.full((60, 3), np.nan)},
        {"probabilities": np.tile([1.0, 0.0, 0.0], (60, 1))},
        {"embeddings": np.zeros((60, 4), dtype=np.float32)},
        {"votes": (np.full(60, -1),)},
        {"texts": [""] * 60},
    ],
)
def test_whatever_is_lacking_a_probability_comes_out(change):
    evidence, _ = pool(60, 12)
    scored = ErrorScore().fit(replace(evidence, **change), np.random.default_rng(0))
    assert scored.probability_wrong.shape == (60,)
    assert np.all((scored.probability_wrong >= 0) & (scored.probability_wrong <= 1))
    assert np.all(scored.labels >= 0)
    json.dumps(scored.describe())


@pytest.mark.parametrize("items", [0, 1, 2, 3, 10])
def test_tiny_pools(items):
    evidence, _ = pool(items, min(items, max(1, items // 2)))
    scored = ErrorScore().fit(evidence, np.random.default_rng(0))
    assert np.isfinite(scored.probability_wrong).all()


@pytest.mark.parametrize("right", [True, False])
def test_a_machine_that_is_always_right_or_always_wrong(right):
    evidence, gold = pool(400, 60)
    machine = gold if right else (gold + 1) % 3
    scored = ErrorScore(deliver="machine").fit(
        replace(evidence, machine=machine, embeddings=None, texts=None), np.random.default_rng(0)
    )
    doubt = scored.probability_wrong[~evidence.by_people].mean()
    assert doubt < 0.1 if right else doubt > 0.9


def test_items_without_a_machine_label_get_the_learners_or_are_wrong_for_certain():
    evidence, _ = pool(300, 90)
    machine = np.where(np.arange(300) >= 280, -1, evidence.machine)
    evidence = replace(evidence, machine=machine)
    scored = ErrorScore(deliver="machine").fit(evidence, np.random.default_rng(0))
    assert set(scored.by[280:]) == {"learner"}
    kept = ErrorScore(of="errors").fit(evidence, np.random.default_rng(0))
    assert kept.probability_wrong[280:].tolist() == [1.0] * 20


def test_several_labels_an_item_keep_the_machines_answers():
    rng = np.random.default_rng(0)
    gold = (rng.random((400, 4)) < 0.3).astype(np.int64)
    hard = rng.random(400) < 0.3
    machine = gold.copy()
    machine[hard, 0] = 1 - machine[hard, 0]
    embeddings = np.concatenate([gold, hard[:, None]], axis=1) + 0.2 * rng.normal(size=(400, 5))
    people = np.where(np.arange(400)[:, None] < 120, gold, -1)
    evidence = Evidence(
        Multi(("w", "x", "y", "z")),
        machine,
        people,
        uniform=np.arange(400) < 120,
        probabilities=np.clip(machine + 0.1 * rng.normal(size=(400, 4)), 0.01, 0.99),
        embeddings=embeddings.astype(np.float32),
    )
    scored = ErrorScore().fit(evidence, np.random.default_rng(0))
    assert scored.labels.tolist() == machine.tolist()
    rest = ~evidence.by_people
    assert scored.probability_wrong[rest & hard].mean() > 0.8
    assert scored.probability_wrong[rest & ~hard].mean() < 0.1


@pytest.mark.parametrize("model", [LogLinear(), Trees(count=10), Mixture()])
def test_models_give_left_out_probabilities_for_each_label(model):
    evidence, _ = pool(200, 50)
    scored = ErrorScore(model=model).fit(evidence, np.random.default_rng(0))
    assert np.isfinite(scored.probability_wrong).all()


def test_pairs_are_told_apart_by_how_alike_their_texts_are():
    rng = np.random.default_rng(0)
    gold = rng.integers(2, size=400)
    words = np.array(["red", "green", "blue", "black", "white", "grey", "pink", "brown"])
    first = [" ".join(rng.permutation(words)[:5]) for _ in range(400)]
    other = [" ".join(rng.permutation(words)[:5]) for _ in range(400)]
    texts = [f"{a}\n{a if same else b}" for a, b, same in zip(first, other, gold, strict=True)]
    evidence = Evidence(
        Single(("no", "yes")),
        np.ones(400, dtype=np.int64),
        people=np.where(np.arange(400) < 60, gold, -1),
        uniform=np.arange(400) < 60,
        texts=texts,
    )
    scored = ErrorScore().fit(evidence, np.random.default_rng(0))
    assert differ(scored.labels, gold)[60:].mean() < 0.02
    assert (
        "overlap"
        not in ErrorScore()
        .fit(replace(evidence, texts=first), np.random.default_rng(0))
        .describe()["groups"]
    )


def test_parts_by_name():
    score = make(
        "error-score",
        features=["machine", "certainty", {"name": "student", "sees": "words"}],
        model={"name": "mixture", "models": ["log-linear", "trees"], "weights": [0.5, 0.5]},
        deliver="machine",
    )
    evidence, _ = pool(100, 30)
    assert set(score.fit(evidence, np.random.default_rng(0)).describe()["groups"]) == {
        "machine",
        "student of words",
    }
    with pytest.raises(ConfigError):
        make("mixture", weights=[1.0])


def delivered_labels(procedure: Procedure, evidence: Evidence, gold, seed: int):
    """Labels of a whole run, and the positions that no person labelled, from seed to certificate.

    People say what gold says, when asked.
    """
    rng = np.random.default_rng(seed)
    seeded = procedure.seed(len(gold), rng)
    people, uniform = evidence.people.copy(), evidence.uniform.copy()
    people[seeded], uniform[seeded] = gold[seeded], True
    while not isinstance(
        step := procedure.advance(replace(evidence, people=people.copy(), uniform=uniform), rng),
        Frozen,
    ):
        people[step.positions] = gold[step.positions]
    labels = gold.copy()
    labels[step.order] = step.labels
    wrong = np.zeros(0, dtype=bool)
    while not isinstance(outcome := procedure.judge(step, wrong), Certificate):
        more = outcome.positions
        wrong = np.concatenate([wrong, differ(labels[more], gold[more])])
    return labels, np.setdiff1d(outcome.accepted, step.drawn()[: len(wrong)])


def test_a_whole_run_needs_fewer_people_than_items_and_keeps_the_promise():
    evidence, gold = pool(1000, 0)
    labels, alone = delivered_labels(Procedure(), evidence, gold, seed=0)
    assert (labels[alone] != gold[alone]).sum() <= 50
    assert len(alone) > 600


def test_large_numbers_of_labels_are_looked_at_in_part():
    evidence, gold = pool(400, 300)
    scored = ErrorScore(
        features=[MachineLabel(), Neighbours(), Embedding()], model=Trees(most=40)
    ).fit(evidence, np.random.default_rng(0))
    assert differ(scored.labels, gold)[300:].mean() < 0.05


@pytest.mark.slow
def test_promises_are_kept_in_many_whole_runs_with_a_learned_score():
    broken, runs = 0, 150
    score = ErrorScore(
        features=[MachineLabel(), Neighbours(), Embedding()], model=LogLinear(((10.0, 10.0),))
    )
    for seed in range(runs):
        evidence, gold = pool(240, 0, seed=seed)
        noise = np.random.default_rng(seed).normal(size=evidence.embeddings.shape)
        evidence = replace(
            evidence, embeddings=(evidence.embeddings + noise).astype(np.float32), texts=None
        )
        procedure = Procedure(alpha=0.1, score=score)
        delivered, alone = delivered_labels(procedure, evidence, gold, seed)
        broken += int((delivered[alone] != gold[alone]).sum() > 12)
    assert broken / runs <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / runs)


def test_many_labels_are_told_apart():
    rng = np.random.default_rng(0)
    gold = rng.integers(60, size=900)
    machine = np.where(rng.random(900) < 0.3, rng.integers(60, size=900), gold)
    evidence = Evidence(
        Single(tuple(f"label {number}" for number in range(60))),
        machine,
        people=np.where(np.arange(900) < 150, gold, -1),
        uniform=np.arange(900) < 150,
        embeddings=(np.eye(60)[gold] + 0.2 * rng.normal(size=(900, 60))).astype(np.float32),
    )
    scored = ErrorScore().fit(evidence, np.random.default_rng(0))
    assert differ(scored.labels, gold)[150:].mean() < 0.7 * differ(machine, gold)[150:].mean()
    wrong = differ(machine, gold)[150:]
    doubt = ErrorScore(deliver="machine").fit(evidence, np.random.default_rng(0))
    doubt = doubt.probability_wrong[150:]
    assert (doubt[wrong][:, None] > doubt[~wrong][None, :]).mean() > 0.9
