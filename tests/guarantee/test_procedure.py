from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.guarantee import Certificate, Evidence, Frozen
from llmal.guarantee.catalogue import make
from llmal.guarantee.certify import certify
from llmal.guarantee.confidence_score import ConfidenceScore
from llmal.guarantee.evidence import differ
from llmal.guarantee.judging import MoreLooks
from llmal.guarantee.procedure import Doubtful, Procedure
from llmal.guarantee.repeated import items_of, texts_of
from llmal.task.spaces.single import Single

SPACE = Single(("a", "b", "c"))


def pool(items: int, error: float, seed: int = 0, sharpness: float = 2.0):
    """A machine that is the more often wrong the less sure it says it is, and the truth."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=items)
    wrong = rng.random(items) < error
    machine = np.where(wrong, (gold + 1) % 3, gold)
    confidence = 1 / (1 + np.exp(-rng.normal(np.where(wrong, 0.0, sharpness), 1.0)))
    evidence = Evidence(
        SPACE,
        machine,
        people=np.full(items, -1),
        uniform=np.zeros(items, dtype=bool),
        confidence=confidence,
    )
    return evidence, gold


def ask(evidence: Evidence, positions, gold, *, uniform=False) -> Evidence:
    people = evidence.people.copy()
    people[positions] = gold[positions]
    drawn = evidence.uniform.copy()
    drawn[positions] = uniform
    return replace(evidence, people=people, uniform=drawn)


def frozen_pool(
    procedure: Procedure, evidence: Evidence, gold, seed: int
) -> tuple[Evidence, Frozen]:
    rng = np.random.default_rng(seed)
    evidence = ask(evidence, procedure.seed(len(evidence), rng), gold, uniform=True)
    while True:
        step = procedure.advance(evidence, rng)
        if isinstance(step, Frozen):
            return evidence, step
        evidence = ask(evidence, step.positions, gold)


def audited(procedure: Procedure, frozen: Frozen, gold) -> Certificate:
    labels = np.empty_like(gold)
    labels[frozen.order] = frozen.labels
    wrong = np.zeros(0, dtype=bool)
    while True:
        step = procedure.judge(frozen, wrong)
        if isinstance(step, Certificate):
            return step
        more = step.positions
        wrong = np.concatenate([wrong, differ(labels[more], gold[more])])


def test_seed_is_three_and_a_half_percent_and_never_less_than_fifty_or_more_than_all():
    procedure = Procedure(score=ConfidenceScore())
    rng = np.random.default_rng(0)
    sizes = [len(set(procedure.seed(n, rng).tolist())) for n in (20, 400, 4000)]
    assert sizes == [20, 50, 140]


def test_doubtful_items_are_those_of_the_lowest_confidence_most_doubtful_first():
    evidence, gold = pool(1000, 0.3)
    procedure = Procedure(score=ConfidenceScore())
    evidence = ask(evidence, procedure.seed(1000, np.random.default_rng(1)), gold, uniform=True)
    step = procedure.advance(evidence, np.random.default_rng(2))
    assert isinstance(step, Doubtful)
    rest = np.flatnonzero(~evidence.by_people)
    expected = rest[np.argsort(evidence.confidence[rest])][: len(step.positions)]
    assert step.positions.tolist() == expected.tolist()
    assert 12 <= len(step.positions) <= 50
    assert len(step.reasons) == len(step.positions)
    assert np.all(np.diff(step.probability_wrong) <= 0)


def test_same_evidence_and_random_numbers_give_the_same_step():
    evidence, gold = pool(600, 0.2)
    evidence = replace(evidence, confidence=np.full(600, 0.8))
    first = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=5)[1]
    second = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=5)[1]
    other = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=6)[1]
    assert first.fingerprint == second.fingerprint
    assert first.order.tolist() != other.order.tolist()


def test_a_killed_run_goes_on_where_it_was():
    evidence, gold = pool(800, 0.3)
    whole = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=3)[1]
    rng = np.random.default_rng(3)
    evidence = ask(evidence, Procedure().seed(800, rng), gold, uniform=True)
    while isinstance(step := Procedure(score=ConfidenceScore()).advance(evidence, rng), Doubtful):
        evidence = ask(evidence, step.positions, gold)
    assert step.fingerprint == whole.fingerprint


def test_what_is_frozen_is_the_rest_from_most_to_least_trusted():
    evidence, gold = pool(1000, 0.1)
    evidence, frozen = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=1)
    assert sorted(frozen.order.tolist()) == np.flatnonzero(~evidence.by_people).tolist()
    assert np.all(np.diff(frozen.probability_wrong) >= 0)
    assert frozen.labels.tolist() == evidence.machine[frozen.order].tolist()
    assert frozen.looks == tuple(sorted(set(frozen.looks)))
    assert set(frozen.drawn().tolist()) <= set(frozen.order.tolist())


def test_frozen_labels_survive_json_and_change_their_fingerprint_with_anything():
    evidence, gold = pool(500, 0.2)
    frozen = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=1)[1]
    assert Frozen.from_dict(frozen.as_dict()).fingerprint == frozen.fingerprint
    swapped = frozen.order.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    other_label = frozen.labels.copy()
    other_label[0] = (other_label[0] + 1) % 3
    changed = [
        replace(frozen, order=swapped),
        replace(frozen, labels=other_label),
        replace(frozen, looks=frozen.looks[:-1]),
        replace(frozen, seed=frozen.seed + 1),
        replace(frozen, alpha=0.1),
        replace(frozen, about={**frozen.about, "score": "another"}),
    ]
    assert len({frozen.fingerprint, *(one.fingerprint for one in changed)}) == 7


def test_a_pool_so_small_that_the_rest_may_be_wrong_is_certified_without_an_audit():
    evidence, gold = pool(60, 0.5)
    people = np.where(np.arange(60) < 57, gold, -1)
    evidence = replace(evidence, people=people)
    procedure = Procedure(score=ConfidenceScore())
    frozen = procedure.advance(evidence, np.random.default_rng(0))
    assert isinstance(frozen, Frozen)
    assert frozen.looks == ()
    certificate = procedure.judge(frozen, np.zeros(0, dtype=bool))
    assert isinstance(certificate, Certificate)
    assert sorted(certificate.accepted.tolist()) == [57, 58, 59]
    assert certificate.to_people.tolist() == []


def test_judge_asks_for_the_first_look_then_accepts_a_rest_without_errors():
    evidence, gold = pool(2000, 0.0)
    procedure = Procedure(score=ConfidenceScore())
    _, frozen = frozen_pool(procedure, evidence, gold, seed=0)
    first = procedure.judge(frozen, np.zeros(0, dtype=bool))
    assert isinstance(first, MoreLooks)
    assert first.positions.tolist() == frozen.drawn()[: frozen.looks[0]].tolist()
    certificate = audited(procedure, frozen, gold)
    assert certificate.holds
    assert len(certificate.accepted) == len(frozen.order)


def test_everything_wrong_leaves_nothing_but_what_epsilon_allows():
    evidence, gold = pool(300, 1.0)
    procedure = Procedure(score=ConfidenceScore())
    evidence, frozen = frozen_pool(procedure, evidence, gold, seed=0)
    certificate = audited(procedure, frozen, gold)
    assert len(certificate.accepted) - certificate.audited <= 15


def test_more_judged_than_drawn_is_refused():
    evidence, gold = pool(500, 0.1)
    _, frozen = frozen_pool(Procedure(score=ConfidenceScore()), evidence, gold, seed=0)
    with pytest.raises(DataError, match="drawn"):
        Procedure().judge(frozen, np.zeros(len(frozen.drawn()) + 1, dtype=bool))


@pytest.mark.parametrize("items", [1, 2, 10, 55])
def test_tiny_pools_end(items):
    evidence, gold = pool(items, 0.3)
    procedure = Procedure(score=ConfidenceScore())
    _, frozen = frozen_pool(procedure, evidence, gold, seed=0)
    assert isinstance(audited(procedure, frozen, gold), Certificate)


@pytest.mark.parametrize(
    "options", [{"epsilon": -0.1}, {"epsilon": 1.5}, {"alpha": 0}, {"alpha": 1}]
)
def test_impossible_promises_are_refused(options):
    with pytest.raises(ConfigError):
        Procedure(**options)


def test_a_configuration_names_the_parts():
    procedure = make(
        "label-the-doubtful",
        epsilon=0.1,
        seed={"name": "uniform", "least": 7, "share": 0.0},
        looks="multiple-looks",
    )
    assert procedure.epsilon == 0.1
    assert len(procedure.seed(100, np.random.default_rng(0))) == 7


@pytest.mark.slow
def test_promises_are_kept_in_many_audits():
    broken = 0
    for seed in range(100):
        evidence, gold = pool(300, 0.25, seed=seed, sharpness=1.0)
        procedure = Procedure(epsilon=0.05, alpha=0.1, score=ConfidenceScore())
        _, frozen = frozen_pool(procedure, evidence, gold, seed=seed)
        certificate = audited(procedure, frozen, gold)
        delivered = gold.copy()
        delivered[frozen.order] = frozen.labels
        alone = np.setdiff1d(certificate.accepted, frozen.drawn()[: certificate.audited])
        broken += int((delivered[alone] != gold[alone]).sum() > 15)
    assert broken / 100 <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / 100)


def test_items_with_the_same_text_stand_together_behind_the_texts() -> None:
    # Text 0 stands once, text 1 three times (positions 1, 3, 4), text 2 twice (2, 5).
    copies = np.array([1, 3, 2])
    assert texts_of(copies).tolist() == [0, 1, 2, 1, 1, 2]
    assert items_of(np.array([2, 0, 1]), copies).tolist() == [2, 5, 0, 1, 3, 4]
    assert items_of(np.array([1]), copies).tolist() == [1, 3, 4]


def test_a_label_of_an_audited_text_settles_all_items_that_have_it() -> None:
    texts = [0, 1, 2, 3, 0, 1]
    found = certify(
        [0, 4, 2, 3, 1, 5], [5, 4, 3], [True, False, False], texts=texts, epsilon=0.0, alpha=0.5,
        skipped=[False, False, True],
    )  # fmt: skip
    # 5 and 4 were labelled, and so were 1 and 0, that have their texts; 3 was skipped.
    assert {0, 1, 4, 5} <= {*found.accepted.tolist()}
    assert 3 in found.to_people


def test_texts_that_many_items_have_are_labelled_first() -> None:
    evidence, _ = pool(200, 0.1)
    copies = np.ones(200, dtype=np.int64)
    copies[[7, 9, 11]] = 20, 40, 2
    step = Procedure(score=ConfidenceScore()).advance(
        replace(evidence, copies=copies), np.random.default_rng(0)
    )
    assert isinstance(step, Doubtful)
    assert step.positions.tolist() == [9, 7]
    assert step.reasons[0].startswith("40 items have this text")


def test_a_pool_in_which_every_text_stands_twice_takes_about_as_many_labels() -> None:
    procedure = Procedure(score=ConfidenceScore())
    evidence, gold = pool(800, 0.1)
    once, _ = frozen_pool(procedure, evidence, gold, 0)
    twice, frozen = frozen_pool(
        procedure, replace(evidence, copies=np.full(800, 2)), gold, 0
    )  # fmt: skip
    assert abs(int(once.by_people.sum()) - int(twice.by_people.sum())) <= 80
    assert frozen.items == 1600
    assert len(frozen.order) == 2 * int((~twice.by_people).sum())
    assert Frozen.from_dict(frozen.as_dict()).fingerprint == frozen.fingerprint


@pytest.mark.slow
def test_promises_about_items_are_kept_where_texts_stand_many_times() -> None:
    procedure = Procedure(score=ConfidenceScore(), epsilon=0.05, alpha=0.2)
    broken, runs = 0, 150
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        evidence, gold = pool(250, 0.12, seed=seed)
        copies = 1 + rng.geometric(0.4, size=250) * (rng.random(250) < 0.4)
        evidence, frozen = frozen_pool(procedure, replace(evidence, copies=copies), gold, seed)
        labels = np.empty(frozen.items, dtype=np.int64)
        labels[frozen.order] = frozen.labels
        truth = gold[frozen.texts]
        wrong = np.zeros(0, dtype=bool)
        while isinstance(step := procedure.judge(frozen, wrong), MoreLooks):
            drawn = frozen.drawn()[: len(wrong) + len(step.positions)]
            wrong = labels[drawn] != truth[drawn]
        people = np.zeros(frozen.items, dtype=bool)
        people[evidence.by_people[frozen.texts]] = True
        asked = [*frozen.texts[frozen.drawn()[: step.audited]], *frozen.texts[step.to_people]]
        people |= np.isin(frozen.texts, asked)
        broken += int((labels != truth)[~people].sum() > 0.05 * frozen.items)
    # 30 are expected at most; with a probability of 1/1000 there are more than 46.
    assert broken <= 46
