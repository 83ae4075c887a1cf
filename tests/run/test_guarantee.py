"""A campaign that promises something of its labels: phases, certificate, what voids it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from places import KINDS, ledger_place
from promised import (
    SMALL,
    PartlyLearnt,
    Steady,
    all_of,
    answers_to,
    campaign_of,
    finish,
    machine_says,
    truth_of,
)
from told_answers import TASK, pool_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Pool, Task
from llmal.annotators import Outside, Router, Stage
from llmal.errors import ConfigError
from llmal.guarantee.audit_plan import AuditPlan
from llmal.guarantee.confidence_score import ConfidenceScore
from llmal.guarantee.error_score import ErrorScore
from llmal.guarantee.evidence import Evidence
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.scored import ScoredPool
from llmal.guarantee.seeding import UniformSeed
from llmal.guarantee.standing import standing_of
from llmal.learners import LinearHead
from llmal.run.audited import unreviewed
from llmal.run.purposes import delivered_labels
from llmal.selectors import Random
from llmal.stopping import TargetAccuracy


def _wrong(campaign: Campaign) -> int:
    labels = campaign.items.with_copies(delivered_labels(campaign.open()))
    assert set(labels) == set(campaign.pool.ids()), "every item has a label"
    return sum(one.label != truth_of(i) for i, one in labels.items())


def _frozen(campaign: Campaign) -> dict[str, str]:
    """The labels that were audited."""
    kept = campaign.open().frozen()[-1]
    names = (TASK.names[target] for target in kept.labels["labels"])
    return dict(zip((kept.item_ids[one] for one in kept.labels["order"]), names, strict=True))


def _unreviewed(campaign: Campaign) -> set[str]:
    return unreviewed(campaign.open(), campaign.task, campaign.pool)


@pytest.mark.parametrize("kind", KINDS)
def test_people_label_a_seed_and_what_is_doubtful_and_audit_the_rest(
    tmp_path: Path, kind: str
) -> None:
    pool = pool_of(300, tmp_path / "cache")
    with (
        ledger_place(kind, tmp_path) as place,
        campaign_of(pool, tmp_path / "run", ledger=place, seed=4) as campaign,
    ):
        assert campaign.certificate is None
        orders = finish(campaign)
        phases = [one.phase for one in orders]
        assert list(dict.fromkeys(phases)) == ["seed", "sweep", "doubtful", "audit", "review"]
        purposes = {one.phase: one.purpose for one in orders}
        assert purposes == {
            "seed": "train",
            "sweep": "train",
            "doubtful": "train",
            "audit": "audit",
            "review": "review",
        }
        asked = Counter(i for one in orders if one.stage == "human" for i in one.items.ids())
        assert set(asked.values()) == {1}, "nobody is asked twice"
        assert len(orders[0].items) == 20
        assert len(orders[1].items) == 280

        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.holds
        assert certificate.voided_by is None
        assert (certificate.items, certificate.epsilon, certificate.alpha) == (300, 0.05, 0.05)
        assert str(campaign.promised) == certificate.promise
        assert _wrong(campaign) <= 15
        assert sum(machine_says(i)[0] != truth_of(i) for i in pool.ids()) > 30
        assert len(asked) < 270
        labels = delivered_labels(campaign.open())
        by_machine = {i for i, one in labels.items() if one.kind in ("llm", "learner")}
        assert by_machine == set(pool.ids()) - set(asked)
        assert by_machine <= set(pool.ids(certificate.accepted))
        assert _unreviewed(campaign) == set()
        assert campaign.ask() is None


def test_the_seed_is_uniform_and_follows_from_the_seed_of_the_campaign(tmp_path: Path) -> None:
    pool = pool_of(120, tmp_path / "cache")
    counts: Counter[str] = Counter()
    for seed in range(60):
        with campaign_of(pool, tmp_path / f"run{seed}", seed=seed) as campaign:
            order = campaign.ask()
            assert order is not None
            counts.update(order.items.ids())
    found = np.array([counts[i] for i in pool.ids()])
    # Ten each on average, drawn without replacement: chi-squared with 119 degrees of freedom.
    assert found.sum() == 60 * 20
    assert (((found - 10) ** 2) / (10 * 100 / 120)).sum() < 180
    with campaign_of(pool, tmp_path / "again", seed=7) as campaign:
        first, again = campaign.ask(), campaign.ask()
        assert first is not None
        assert again is not None
        assert first.items.ids() == again.items.ids()


def test_labels_and_order_are_frozen_before_anybody_is_asked_about_the_audit(
    tmp_path: Path,
) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign, until="audit")
        [frozen] = campaign.open().frozen()
        assert frozen.round == campaign.rounds[-1].number
        assert campaign.open().annotation_count() == sum(
            one.purpose == "train" for one in campaign.open().annotations()
        )
        by_people = {i for i, one in campaign.labels.items() if one.kind == "human"}
        order = [frozen.item_ids[position] for position in frozen.labels["order"]]
        assert set(order) == set(pool.ids()) - by_people
        audit = campaign.ask()
        assert audit is not None
        assert set(audit.items.ids()) <= set(order)


def test_what_the_audit_says_reaches_nobody_before_the_certificate(tmp_path: Path) -> None:
    """People say in the audit the opposite of what is so."""

    class Remembering(WordBayes):
        def __init__(self) -> None:
            self.trained_on: list[list[tuple[str, int]]] = []

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> WordBayes:
            self.trained_on.append(list(zip(X, np.asarray(y).tolist(), strict=True)))
            return super().fit(X, y)

    class Watching(ConfidenceScore):
        def __init__(self, told: list[bytes]) -> None:
            super().__init__()
            object.__setattr__(self, "told", told)

        def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
            arrays = (evidence.machine, evidence.people, evidence.uniform)
            self.told.append(b"".join(one.tobytes() for one in arrays))  # type: ignore[attr-defined]
            return super().fit(evidence, rng)

    pool = pool_of(200, tmp_path / "cache")
    seen = []
    for contrary in (False, True):
        told: list[bytes] = []
        learner = Remembering()
        guarantee = Guarantee(parts={**SMALL, "score": Watching(told)})
        name = f"run-{contrary}"
        audited: dict[str, str] = {}
        with campaign_of(pool, tmp_path / name, learner=learner, guarantee=guarantee) as campaign:
            while (order := campaign.ask()) is not None:
                answers = answers_to(order)
                if order.phase == "audit":
                    if contrary:
                        answers = [
                            replace(one, label="food" if one.label == "animal" else "animal")
                            for one in answers
                        ]
                    audited.update({one.item_id: str(one.label) for one in answers})
                campaign.tell(answers)
            frozen = [one.fingerprint for one in campaign.open().frozen()]
            before = [one for one in campaign.rounds if one.phase in ("seed", "sweep", "doubtful")]
            first = next(one for one in campaign.rounds if one.phase == "audit")
            # While the audit goes on, on what there was before it; then on the review as well.
            trained = learner.trained_on[0]
            certificate = campaign.certificate
            assert certificate is not None
            assert certificate.holds != contrary or certificate.wrong > 10
            people = {
                campaign.pool.texts(campaign.pool.positions([i]))[0]: TASK.index(label)
                for i, label in audited.items()
            }
            machine = {
                campaign.pool.texts(campaign.pool.positions([i]))[0]: TASK.index(machine_says(i)[0])
                for i in audited
            }
            # Learners see of audited items what machines say, and never what people say.
            for fit in learner.trained_on:
                for text, label in fit:
                    assert machine.get(text, label) == label
            assert people.keys() & {text for text, _ in learner.trained_on[-1]}
        seen.append(
            (told, frozen, [one.item_ids for one in before], first.item_ids, trained),
        )
    assert seen[0] == seen[1]


def test_a_persons_new_label_of_an_item_that_was_not_audited_voids_nothing(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        labels = delivered_labels(campaign.open())
        left = [i for i, one in labels.items() if one.kind == "llm"]
        wrong = [i for i in left if labels[i].label != truth_of(i)]
        for item_id in [left[0], *wrong[:1]]:
            campaign.tell([Annotation(item_id, truth_of(item_id), "anna", "human")])
        again = campaign.certificate
        assert again is not None
        assert again.voided_by is None
        assert again.promise == certificate.promise


def test_the_correction_of_an_audited_answer_voids_until_it_is_judged_anew(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        labels = _frozen(campaign)
        right = [i for i in campaign.audited if labels[i] == truth_of(i)]
        other = "food" if truth_of(right[0]) == "animal" else "animal"
        campaign.correct([Annotation(right[0], other, "human", "human", reason="misread")])
        void = campaign.certificate
        assert void is not None
        assert void.voided_by == "what people said of an audited label has changed since"
        finish(campaign)
        anew = campaign.certificate
        assert anew is not None
        assert anew.voided_by is None
        assert anew.wrong == certificate.wrong + 1
        assert len(campaign.open().certificates()) == 2
        assert len(campaign.open().frozen()) == 1


def test_a_changed_task_voids_and_another_audit_follows(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
        audited = set(campaign.audited)
    task = Task("farm", ["animal", "food"], guidelines="Bread is food.")
    with campaign_of(pool, tmp_path / "run", task=task, accept_changes=True) as campaign:
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.voided_by is not None
        assert "the task has changed" in certificate.voided_by
        assert _unreviewed(campaign)
        orders = finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.voided_by is None
        assert [one.task_version for one in campaign.open().frozen()] == [1, 2]
        asked = {i for one in orders for i in one.items.ids()}
        assert not asked & audited
        # What people said in the first audit may not be learnt from; it is right in any case.
        assert certificate.items == 200 - len(audited)
        assert _wrong(campaign) <= 10


@pytest.mark.parametrize("what", ["text", "gone", "added"])
def test_changes_of_the_pool_void_what_was_promised_of_its_items(tmp_path: Path, what: str) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
    texts, ids = pool.texts(), pool.ids()
    if what == "text":
        texts[5] = "a goat in a boat"
    elif what == "gone":
        del texts[5], ids[5]
    else:
        texts.append("a goat in a boat")
        ids.append("i0201")
    other = Pool.from_texts(texts, ids=ids, cache=tmp_path / "cache")
    with campaign_of(other, tmp_path / "run", accept_changes=True) as campaign:
        certificate = campaign.certificate
        assert certificate is not None
        expected = {
            "text": "1 text has changed since the audit",
            "gone": "of 200 audited items 1 is gone since",
            "added": None,
        }
        assert certificate.voided_by == expected[what]
        finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.voided_by is None
        assert _unreviewed(campaign) == ({"i0201"} if what == "added" else set())
        other = "1 other label is no part of this, and nobody has reviewed it."
        assert (other in str(campaign.promised)) == (what == "added")


@pytest.mark.parametrize(
    ("size", "answers", "sentence"),
    [
        (10, "all", "This is certain"),
        (120, "machine abstains", "This is certain"),
        (60, "people skip", "people could answer about no item"),
        (60, "no probabilities", "at most 3 (5 %) are wrong"),
    ],
)
def test_odd_pools_and_odd_answers(tmp_path: Path, size: int, answers: str, sentence: str) -> None:
    def told(one: Annotation) -> Annotation:
        if one.kind == "llm" and answers == "machine abstains":
            return replace(one, label=None, probabilities=None)
        if one.kind == "human" and answers == "people skip":
            return replace(one, label=None)
        return replace(one, probabilities=None) if answers == "no probabilities" else one

    guarantee = Guarantee(parts={"seed": UniformSeed(least=20, share=0.0)})
    pool = pool_of(size, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", guarantee=guarantee) as campaign:
        asked: Counter[str] = Counter()
        while (order := campaign.ask()) is not None:
            asked.update(order.items.ids() if order.stage == "human" else ())
            campaign.tell(map(told, answers_to(order)))
        assert max(asked.values()) == 1
        assert sentence in str(campaign.promised)
        assert set(delivered_labels(campaign.open())) == set(pool.ids())


@pytest.mark.parametrize("labels", [10, 20, 25, 60, 90])
def test_where_the_budget_ends_every_item_has_a_label_and_what_is_promised_is_said(
    tmp_path: Path, labels: int
) -> None:
    pool = pool_of(200, tmp_path / "cache")
    budget = Budget(batch=5, human_labels=labels)
    with campaign_of(pool, tmp_path / "run", budget=budget) as campaign:
        orders = finish(campaign)
        assert campaign.open().total_usage().human_labels == labels
        assert campaign.reason == "the budget of human labels is spent"
        promised = str(campaign.promised)
        assert "nobody has reviewed" in promised or "has not begun" in promised
        _wrong(campaign)
        # Whoever raises the budget and asks again has looked at one audit twice.
        assert ("however often it is asked for" in promised) == promised.startswith("As they are")
        people = {i for one in orders if one.stage == "human" for i in one.items.ids()}
        assert len(people) == labels
        left = _unreviewed(campaign)
        assert left
        certificate = campaign.certificate
        if certificate is not None and certificate.holds:
            stays = set(pool.ids(certificate.accepted))
            assert left == set(pool.ids()) - people - stays
        else:
            assert left == set(pool.ids()) - people
        frozen = campaign.open().frozen()
    # With more of a budget it goes on from there.
    with campaign_of(pool, tmp_path / "run") as campaign:
        more = finish(campaign)
        again = {i for one in more if one.stage == "human" for i in one.items.ids()}
        assert not again & people
        assert campaign.open().frozen()[: len(frozen)] == frozen
        assert _unreviewed(campaign) == set()
        assert _wrong(campaign) <= 10


class _LargeAudit(Steady):
    """It looks at 50 items, then at 80: enough for a promise about 200."""

    def audit(self, probability_wrong: NDArray[np.float64], allowed: int) -> AuditPlan:
        return replace(super().audit(probability_wrong, allowed), audited=80)

    def plan(self, audited: int, rest: int) -> tuple[int, ...]:
        return (50, audited)


_LARGE = Guarantee(parts={**SMALL, "plan": _LargeAudit(), "looks": _LargeAudit()})


def test_a_budget_too_small_for_an_audit_is_told_with_what_it_takes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool = pool_of(200, tmp_path / "cache")
    budget = Budget(batch=5, human_labels=35, rounds=3)
    stop = [TargetAccuracy(0.9)]
    with campaign_of(pool, tmp_path / "run", budget=budget, stop=stop) as campaign:
        campaign.look_ahead()
        finish(campaign)
    told = " ".join(caplog.messages)
    assert "stop and budget.rounds have no say here" in told
    assert "the budget leaves people 15 labels, no more than an audit takes" in told
    assert "at most 5 % wrong takes 42 at least: raise budget.human_labels by 27 or more" in told
    with campaign_of(pool, tmp_path / "other", budget=budget, guarantee="off") as campaign:
        assert campaign.without_say is None


@pytest.mark.parametrize(
    ("labels", "looks"), [(50, [30, 50, 80]), (85, [50, 65, 80]), (100, [50, 80])]
)
def test_an_audit_in_which_the_budget_ended_goes_on_as_planned_once_it_is_raised(
    tmp_path: Path, labels: int, looks: list[int]
) -> None:
    pool = pool_of(200, tmp_path / "cache")
    budget = Budget(batch=5, human_labels=labels)
    with campaign_of(pool, tmp_path / "run", budget=budget, guarantee=_LARGE) as campaign:
        before = finish(campaign)
        [frozen] = campaign.open().frozen()
        # People give the seed of 20 and then the audit, which one look more is planned for.
        assert frozen.labels["looks"] == looks
        assert "nobody has reviewed" in str(campaign.promised)
        forecast = campaign.forecast()
        assert forecast is not None
        # Where looks are left it may go on.
        assert (forecast.basis == "audit") == (labels - 20 < looks[-1])
    with campaign_of(pool, tmp_path / "run", guarantee=_LARGE) as campaign:
        after = finish(campaign)
        assert campaign.open().frozen() == [frozen]
        rounds = [one for one in [*before, *after] if one.phase == "audit"]
        audited = [i for one in rounds for i in one.items.ids()]
        drawn = Frozen.from_dict(frozen.labels).drawn().tolist()
        assert audited == [frozen.item_ids[position] for position in drawn[: len(audited)]]
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.holds
        assert certificate.audited == len(audited)
        assert len(audited) in looks
        assert _unreviewed(campaign) == set()
        assert campaign.open().total_usage().human_labels < 200
        assert _wrong(campaign) <= 10


def test_what_is_said_while_people_have_not_come_to_all_that_is_for_them(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "whole") as campaign:
        finish(campaign)
        people = campaign.open().total_usage().human_labels
        certificate = campaign.certificate
        assert certificate is not None
        # They have labelled all of it, so that the promise is told without a condition.
        assert len(certificate.to_people) > 3
        assert "once people have labelled" not in certificate.promise
        assert "once people have labelled" not in str(campaign.promised)
        forecast = campaign.forecast()
        assert forecast is not None
        assert forecast.labelled == people
    budget = Budget(batch=5, human_labels=people - 3)
    with campaign_of(pool, tmp_path / "run", budget=budget) as campaign:
        finish(campaign)
        assert len(_unreviewed(campaign)) == 3
        certificate = campaign.certificate
        assert certificate is not None
        assert standing_of(certificate, 3) == "in part"
        assert "once people have labelled the 3 items" in certificate.promise
        # Ten of those that people gave or that may stay, and the three.
        assert "at most 13 of all 200 labels (6.5 %) are wrong" in str(campaign.promised)
        assert "3 labels nobody has reviewed" in str(campaign.promised)
        forecast = campaign.forecast()
        assert forecast is not None
        assert forecast.labelled == people - 3
        recorded = campaign.open().certificates()
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
        assert campaign.open().certificates() == recorded, "told otherwise, not recorded anew"
        assert campaign.certificate is not None
        assert "once people have labelled" not in campaign.certificate.promise


def test_a_certificate_of_before_is_read_and_not_recorded_anew(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
        before = campaign.promised
        ledger = campaign.open()
        last = ledger.certificates()[-1]
        # As it was kept when the promise was one paragraph.
        parts = ("claim", "condition", "meaning")
        old = {key: one for key, one in last.certificate.items() if key not in parts}
        assert "once people have labelled" in old["promise"]
        assert ledger.add_certificate(replace(last, certificate=old))
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign)
        assert campaign.promised == before
        assert len(campaign.open().certificates()) == 2


def test_few_labels_that_people_have_not_come_to_are_few_wrong_ones(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    # Begun so early, the audit of 40 is too small to promise anything; then nearly all labels are
    # by people after all.
    for labels in (30, 195):
        budget = Budget(batch=5, human_labels=labels)
        with campaign_of(pool, tmp_path / "run", budget=budget) as campaign:
            finish(campaign)
            promised = str(campaign.promised)
    assert "at most 5 of all 200 labels are wrong, as people have given all others" in promised


def test_labels_that_the_promise_is_not_about_are_counted_beside_it(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        seed = campaign.ask()
        assert seed is not None
        skip = seed.items.ids()[:2]
        finish(campaign, skip=skip)
        assert _unreviewed(campaign) == set(skip)
        assert campaign.promised is not None
        first = campaign.promised.brief
        assert first.startswith("Of the 198 labels delivered, at most 9 (5 %) are wrong; ")
        assert first.endswith("2 other labels are no part of this, and nobody has reviewed them")


def test_an_audited_item_that_people_skip_counts_as_wrong_and_none_is_asked_twice(
    tmp_path: Path,
) -> None:
    pool = pool_of(200, tmp_path / "cache")
    skip = pool.ids()[::7]
    with campaign_of(pool, tmp_path / "run") as campaign:
        orders = finish(campaign, skip=skip)
        asked = Counter(i for one in orders if one.stage == "human" for i in one.items.ids())
        assert set(asked.values()) == {1}
        certificate = campaign.certificate
        assert certificate is not None
        audited = [i for one in orders if one.phase == "audit" for i in one.items.ids()]
        labels = _frozen(campaign)
        wrong = [i for i in audited if i in skip or labels[i] != truth_of(i)]
        assert set(audited) & set(skip)
        assert (certificate.audited, certificate.wrong) == (len(audited), len(wrong))
        assert set(campaign.labels) == set(pool.ids())


def test_labels_that_the_learner_gives_in_place_of_the_machines_are_recorded_and_delivered(
    tmp_path: Path,
) -> None:
    pool = pool_of(200, tmp_path / "cache")
    guarantee = Guarantee(max_error=0.3, parts={**SMALL, "score": PartlyLearnt()})
    with campaign_of(pool, tmp_path / "run", guarantee=guarantee) as campaign:
        finish(campaign)
        [frozen] = campaign.open().frozen()
        by = frozen.labels["by"]
        learnt = {
            frozen.item_ids[position]
            for position, who in zip(frozen.labels["order"], by, strict=True)
            if who == "learner"
        }
        recorded = list(campaign.open().annotations(kind="learner"))
        assert {one.item_id for one in recorded} == learnt
        assert {(one.label, one.annotator, one.round) for one in recorded} == {
            ("food", "learner", frozen.round)
        }
        labels = delivered_labels(campaign.open())
        people = {i for i, one in labels.items() if one.kind == "human"}
        assert {i for i, one in labels.items() if one.kind == "learner"} == learnt - people
        assert learnt - people
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.voided_by is None


def test_texts_that_are_the_same_are_asked_about_once_and_every_item_counts(
    tmp_path: Path,
) -> None:
    own = pool_of(160, tmp_path / "cache")
    texts = [*own.texts(), *own.texts(np.arange(20))]
    ids = [*own.ids(), *(f"i{2 * n + 1000:04d}" for n in range(20))]
    pool = Pool.from_texts(texts, ids=ids, cache=tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        orders = finish(campaign)
        asked = [i for one in orders if one.stage == "human" for i in one.items.ids()]
        assert len(asked) == len({*asked})
        assert not {i for one in orders for i in one.items.ids()} & set(ids[160:])
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.items == 180
        both = np.concatenate([certificate.accepted, certificate.to_people])
        kept = campaign.open().frozen()[-1]
        assert {kept.item_ids[one] for one in kept.labels["order"]} == {*pool.ids(both)}
        assert set(campaign.labels) | set(campaign.audited) == set(ids)
        # What the audit sent to people was asked about, and so were the texts of its copies.
        first = dict(zip(ids[160:], ids[:20], strict=True))
        sent = {first.get(i, i) for i in pool.ids(certificate.to_people)}
        assert sent <= {*asked}
        assert not _unreviewed(campaign) & sent


@pytest.mark.parametrize("seed", range(3))
def test_a_mistake_about_a_text_that_stands_many_times_counts_as_often(
    tmp_path: Path, seed: int
) -> None:
    own = pool_of(160, tmp_path / "cache")
    ids = own.ids()
    often = max(
        (place for place, i in enumerate(ids) if machine_says(i)[0] != truth_of(i)),
        key=lambda place: machine_says(ids[place])[1],
    )
    further = [f"i{1000 + 2 * n + int(ids[often][1:]) % 2:04d}" for n in range(80)]
    pool = Pool.from_texts(
        [*own.texts(), *own.texts(np.full(80, often))], ids=[*ids, *further],
        cache=tmp_path / "cache",
    )  # fmt: skip
    with campaign_of(pool, tmp_path / "run", seed=seed) as campaign:
        finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        assert (certificate.items, certificate.holds) == (240, True)
        labels = campaign.items.with_copies({**campaign.labels, **campaign.audited})
        assert sum(labels[i].label != truth_of(i) for i in pool.ids()) <= 12


def test_several_machines_the_last_one_counts_and_the_others_vote(tmp_path: Path) -> None:
    class Keeping(ConfidenceScore):
        def __init__(self) -> None:
            super().__init__()
            object.__setattr__(self, "seen", [])

        def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
            self.seen.append(evidence)  # type: ignore[attr-defined]
            return super().fit(evidence, rng)

    pool = pool_of(120, tmp_path / "cache")
    score = Keeping()
    router = Router([Outside("small", "llm"), Outside("large", "llm"), Outside("human")])
    with campaign_of(
        pool,
        tmp_path / "run",
        annotator=router,
        guarantee=Guarantee(parts={**SMALL, "score": score}),
    ) as campaign:
        finish(campaign)
        small = {one.item_id for one in campaign.open().annotations(annotator="small")}
        large = {one.item_id for one in campaign.open().annotations(annotator="large")}
        assert large < small, "what the small one is sure of does not go to the large one"
    evidence = score.seen[0]  # type: ignore[attr-defined]
    [votes] = evidence.votes
    ids = pool.ids()
    assert {ids[row] for row in np.flatnonzero(votes >= 0)} == large
    assert {ids[row] for row in np.flatnonzero(evidence.by_machine)} == small
    assert evidence.uniform.sum() == 20
    assert (evidence.people[evidence.uniform] >= 0).all()


def test_several_people_answer_and_their_majority_is_audited(tmp_path: Path) -> None:
    pool = pool_of(120, tmp_path / "cache")
    router = Router([Outside("llm", "llm"), Stage(Outside("human"), answers=3)])
    with campaign_of(pool, tmp_path / "run", annotator=router) as campaign:
        while (order := campaign.ask()) is not None:
            if order.stage != "human":
                campaign.tell(answers_to(order))
                continue
            for worker in ("anna", "ben", "eve"):
                campaign.tell(
                    Annotation(i, truth_of(i) if worker != "eve" else "food", worker, "human")
                    for i in order.items.ids()
                )
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.voided_by is None
        audited = [i for one in campaign.rounds if one.phase == "audit" for i in one.item_ids]
        labels = _frozen(campaign)
        wrong = [i for i in audited if labels[i] != truth_of(i)]
        assert (certificate.audited, certificate.wrong) == (len(audited), len(wrong))


def test_several_labels_an_item(tmp_path: Path) -> None:
    """An answer is wrong if one of its labels is."""
    names = ["big", "small", "wild"]
    task = Task("animals", names, kind="multi")
    plain = pool_of(160, tmp_path / "cache")

    def truth(item_id: str) -> tuple[str, ...]:
        number = int(item_id[1:])
        return tuple(sorted(name for n, name in enumerate(names) if number >> n & 1))

    def said(item_id: str) -> tuple[tuple[str, ...], dict[str, float]]:
        label, sure = machine_says(item_id)
        held = {*truth(item_id)}
        if label != truth_of(item_id):
            held ^= {"wild"}
        shares = {name: 0.95 if name in held else 0.05 for name in names}
        shares["wild"] = sure if "wild" in held else 1 - sure
        return tuple(sorted(held)), shares

    with Campaign(
        task,
        plain,
        directory=tmp_path / "run",
        annotator=Router([Outside("llm", "llm"), Outside("human")]),
        learner=LinearHead(),
        embedder=_Numbers(),
        selector=Random(),
        start=Random(),
        objective="labels",
        guarantee=Guarantee(parts={**SMALL, "score": ErrorScore()}),
        seed=3,
    ) as campaign:
        while (order := campaign.ask()) is not None:
            ids = order.items.ids()
            if order.stage == "human":
                campaign.tell(Annotation(i, truth(i), "human", "human") for i in ids)
            else:
                campaign.tell(
                    Annotation(i, said(i)[0], "llm", "llm", probabilities=said(i)[1]) for i in ids
                )
        certificate = campaign.certificate
        assert certificate is not None
        assert (certificate.holds, certificate.voided_by) == (True, None)
        audited = [i for one in campaign.rounds if one.phase == "audit" for i in one.item_ids]
        assert certificate.wrong == sum(said(i)[0] != truth(i) for i in audited)
        labels = delivered_labels(campaign.open())
        assert set(labels) == set(plain.ids())
        assert sum(one.label != truth(i) for i, one in labels.items()) <= 8


class _Numbers:
    """Embeds a text by its length and its letters."""

    dimensions = 4
    fingerprint = "numbers"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [[len(one), one.count("a"), one.count("e"), one.count("o")] for one in texts]
        return np.array(rows, dtype=np.float32)


def test_a_task_that_changes_in_the_middle_of_the_audit(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign, until="audit")
        order = campaign.ask()
        assert order is not None
        campaign.tell(answers_to(order)[:7])
    task = Task("farm", ["animal", "food"], guidelines="Bread is food.")
    with campaign_of(pool, tmp_path / "run", task=task, accept_changes=True) as campaign:
        rest = campaign.ask()
        assert rest is not None
        assert rest.items.ids() == order.items.ids()[7:]
        finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.voided_by is None
        first, second = campaign.open().frozen()
        assert (first.task_version, second.task_version) == (1, 2)
        # The audit that was begun before is used for nothing.
        assert not {*order.items.ids()} & {*second.item_ids}
        assert certificate.items == 200 - len(order.items)
        assert _wrong(campaign) <= 10


def test_other_figures_are_refused_once_the_audit_has_begun(tmp_path: Path) -> None:
    pool = pool_of(200, tmp_path / "cache")
    other = Guarantee(max_error=0.1, parts=SMALL)
    with campaign_of(pool, tmp_path / "run", guarantee=other) as campaign:
        finish(campaign, until="doubtful")
    with campaign_of(pool, tmp_path / "run") as campaign:
        finish(campaign, until="audit")
        finish(campaign)
    with (
        campaign_of(pool, tmp_path / "run", guarantee=other) as campaign,
        pytest.raises(ConfigError, match=r"is done for at most 5 % .* 95 %, which stands, .* 10 %"),
    ):
        campaign.ask()


def test_what_is_sure_needs_no_audit(tmp_path: Path) -> None:
    pool = pool_of(40, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", guarantee=Guarantee(0.6, parts=SMALL)) as campaign:
        orders = finish(campaign)
        assert [one.phase for one in orders] == ["seed", "sweep"]
        certificate = campaign.certificate
        assert certificate is not None
        assert (certificate.holds, certificate.audited) == (True, 0)
        assert str(campaign.promised) == certificate.promise


def test_who_promises_by_default_and_who_does_not(tmp_path: Path) -> None:
    pool = pool_of(60, tmp_path / "cache")
    plain: dict[str, Any] = {"guarantee": None}

    def promise(**options: Any) -> Guarantee | None:
        return campaign_of(pool, tmp_path / "run", **{**plain, **options}).guarantee

    assert promise() == Guarantee(0.05, 0.95)
    assert promise(objective="model") is None
    assert promise(annotator=Outside("human")) is None
    assert promise(annotator=Outside("llm", "llm")) is None
    assert promise(audit=10) is None
    assert promise(guarantee="off") is None
    assert promise(guarantee=Guarantee(policy="threshold")) is None
    for options, message in (
        ({"objective": "model"}, "the objective is 'model'"),
        ({"annotator": Outside("human")}, "not both answer"),
        ({"audit": 10}, "a guarantee and also audit"),
        ({"guarantee": "on"}, "guarantee is 'on'"),
    ):
        with pytest.raises(ConfigError, match=message):
            campaign_of(pool, tmp_path / "run", **options)
    for bad in ({"max_error": 1.0}, {"confidence": 1.0}, {"policy": "hope"}):
        with pytest.raises(ConfigError):
            Guarantee(**bad)  # type: ignore[arg-type]


def test_what_was_begun_with_a_threshold_goes_on_so_unless_a_promise_is_asked_for(
    tmp_path: Path,
) -> None:
    pool = pool_of(120, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "run", guarantee="off") as campaign:
        finish(campaign, until="review")
        begun = [one.phase for one in campaign.rounds]
        assert begun == ["start", "sweep", "review"]
    with campaign_of(pool, tmp_path / "run", guarantee=None) as campaign:
        assert campaign.guarantee is None
        order = campaign.ask()
        assert order is not None
        assert order.phase == "review"
    with campaign_of(pool, tmp_path / "run") as campaign:
        orders = finish(campaign)
        assert [one.phase for one in orders][:2] == ["review", "seed"]
        certificate = campaign.certificate
        assert certificate is not None
        assert certificate.holds
        assert _wrong(campaign) <= 6


def test_the_ledger_says_all_of_it(tmp_path: Path) -> None:
    pool = pool_of(120, tmp_path / "cache")
    for name in ("a", "b"):
        with campaign_of(pool, tmp_path / name) as campaign:
            finish(campaign)
    first, second = (all_of(tmp_path / name / "ledger.sqlite") for name in ("a", "b"))
    assert first == second
    assert len(first["certificates"]) == 1
