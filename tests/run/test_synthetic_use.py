"""What a run makes of synthetic items: when they are written, what they weigh, which go."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from listed_generator import ListedGenerator
from word_bayes import WordBayes

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import SimulatedHuman
from llmal.core.plans import BatchPlan
from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError
from llmal.generators.filters import Leakage
from llmal.generators.policies import EveryRounds, FewLabels, OnPlateau
from llmal.ledger import Ledger
from llmal.report.gather import write_run
from llmal.run.events import Event
from llmal.run.judgements import Judgement, batch_of, judgements
from llmal.run.synthetic_use import SyntheticUse
from llmal.selectors import make

WORDS = {
    "animal": [f"{sound}{n}" for sound in ("miaow", "woof", "moo") for n in range(40)],
    "food": [f"{taste}{n}" for taste in ("sweet", "sour", "salt") for n in range(40)],
}
WRONG = {"animal": "food", "food": "animal"}
FILLING = [f"and{n}" for n in range(30)]


def _pool(folder: Path, size: int = 240) -> Pool:
    """Texts of two words that tell the label, and four that do not."""
    rng = np.random.default_rng(7)
    names = [list(WORDS)[n % 2] for n in range(size)]
    texts = [
        " ".join([*rng.choice(WORDS[name], 2, replace=False), *rng.choice(FILLING, 4)])
        for name in names
    ]
    return Pool.from_texts(texts, names, cache=folder / "cache")


def _run(folder: Path, generator: Any, **options: Any) -> Orchestrator:
    given: dict[str, Any] = {
        "directory": folder / "run",
        "annotator": SimulatedHuman(),
        "start": make("random"),
        "selector": make("random"),
        "learner": WordBayes(),
        "embedder": None,
        "budget": Budget(rounds=4, batch=20),
        "generator": generator,
        "generate_per_label": 20,
        **options,
    }
    return Orchestrator(Task("beings", list(WORDS)), _pool(folder), **given)


def _judged(run: Orchestrator) -> list[Judgement]:
    with Ledger.open(run.ledger_url) as ledger:
        return judgements(ledger)


def _written(run: Orchestrator) -> Counter[tuple[int, str]]:
    with Ledger.open(run.ledger_url) as ledger:
        return Counter((one.provenance["round"], one.label) for one in ledger.synthetic())


def test_texts_that_help_get_a_weight_and_a_run_says_what_they_bring(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS))
    result = run.run()
    last = _judged(run)[-1]
    assert last.weight > 0
    assert last.withdrawn == {}
    assert last.accuracy is not None
    assert last.accuracy_without is not None
    assert last.accuracy > last.accuracy_without + 0.05
    assert set(last.by_label) == set(WORDS)
    assert sum(one.items for one in last.by_label.values()) == last.people == 100
    for share in ("with_synthetic", "without"):
        mean = sum(one.items * getattr(one, share) for one in last.by_label.values()) / 100
        whole = last.accuracy if share == "with_synthetic" else last.accuracy_without
        assert mean == pytest.approx(whole)
    assert result.rounds[-1].metrics["synthetic_weight"] == last.weight
    assert result.rounds[-1].metrics["synthetic"] == last.synthetic == 200


def test_texts_with_wrong_labels_are_withdrawn(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS, wrong=WRONG))
    result = run.run()
    judged = _judged(run)
    assert "listed in round 0" in judged[0].withdrawn
    assert "Brier score" in judged[0].withdrawn["listed in round 0"]
    assert judged[-1].stopped is not None
    assert "3 times in a row" in judged[-1].stopped
    # Three rounds wrote; then nothing more was written.
    assert {number for number, _ in _written(run)} == {0, 1, 2}
    assert result.rounds[-1].metrics["synthetic"] == 0
    alone = _run(tmp_path / "alone", None)
    assert alone.run().rounds[-1].metrics["mean_entropy"] == pytest.approx(
        result.rounds[-1].metrics["mean_entropy"]
    )


def test_a_bad_batch_among_good_ones_goes_alone(tmp_path: Path) -> None:
    class Turning(ListedGenerator):
        def plan(self, request: Any, k: int) -> Any:
            self._wrong = WRONG if len(request.demonstrations) == 40 else {}
            return super().plan(request, k)

    run = _run(tmp_path, Turning(WORDS))
    run.run()
    last = _judged(run)[-1]
    assert set(last.withdrawn) == {"listed in round 1"}
    assert last.weight > 0


def test_with_withdrawal_off_the_weight_answers_for_harm(tmp_path: Path) -> None:
    use = SyntheticUse(harm=0, patience=None)
    run = _run(tmp_path, ListedGenerator(WORDS, wrong=WRONG), synthetic=use)
    run.run()
    last = _judged(run)[-1]
    assert last.withdrawn == {}
    assert last.weight == 0
    assert last.brier == last.brier_without


def test_what_was_written_after_a_label_does_not_judge_it(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS, shown=True))
    run.run()
    last = _judged(run)[-1]
    assert last.why_not is not None
    assert "fewer shots" in last.why_not
    assert last.used == pytest.approx(0, abs=0.1)
    assert last.accuracy is None
    # Nobody can say that they do harm, nor that they help.
    assert last.weight == 1


def test_too_few_labels_by_people_judge_nothing(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS), budget=Budget(human_labels=8, batch=4))
    run.run()
    for one in _judged(run):
        assert one.why_not is not None
        assert "labels by people so far; 10" in one.why_not
        assert one.weight == 1


def test_a_weight_of_ones_own_is_kept_and_still_told_of(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS), synthetic=SyntheticUse(weight=0.2))
    run.run()
    judged = _judged(run)
    assert {one.weight for one in judged} == {0.2}
    assert judged[-1].accuracy != judged[-1].accuracy_without


def test_a_killed_run_decides_and_writes_the_same(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def once(folder: str, callbacks: Sequence[Any] = ()) -> Orchestrator:
        when = [OnPlateau(rounds=1, tolerance=0.9)]
        return _run(
            tmp_path / folder,
            ListedGenerator(WORDS, requires=("learner",)),
            generate_when=when,
            callbacks=callbacks,
        )

    whole = once("whole")
    whole.run()
    assert {number for number, _ in _written(whole)} == {1, 3}
    for place, moment in enumerate(
        ("round 1: writing 20 items of 'food'", "synthetic", "round 3: training on 80 labels")
    ):

        def kill(event: Event, moment: str = moment) -> None:
            if moment in (event.message, event.kind):
                raise Killed

        name = f"killed-{place}"
        with pytest.raises(Killed):
            once(name, [kill]).run()
        again = once(name)
        again.run()
        assert _judged(again) == _judged(whole)
        assert _written(again) == _written(whole)
        with Ledger.open(again.ledger_url) as ledger, Ledger.open(whole.ledger_url) as other:
            assert ledger.usage() == other.usage()
            assert [one.id for one in ledger.synthetic()] == [one.id for one in other.synthetic()]


def test_a_generator_is_told_what_the_learner_makes_of_held_out_labels(tmp_path: Path) -> None:
    generator = ListedGenerator(WORDS, requires=("learner",))
    run = _run(tmp_path, generator)
    run.run()
    first = generator.asked[0].learner
    assert first is not None
    assert len(first.items) == 20
    assert first.probabilities.shape == (20, 2)
    # Held out: where the words were not seen elsewhere, the learner does not know.
    assert (first.probabilities.max(axis=1) < 0.95).any()


def test_its_own_budget_ends_writing_and_not_the_run(tmp_path: Path) -> None:
    limited = Budget(tokens=10 * 25)
    run = _run(tmp_path, ListedGenerator(WORDS), generate_budget=limited)
    assert run.plan().parts["listed"] == 250
    result = run.run()
    assert len(result.rounds) == 5
    assert sum(_written(run).values()) == 25
    with Ledger.open(run.ledger_url) as ledger:
        assert ledger.usage()["listed"].tokens == 250
        said = [one.message for one in ledger.events() if one.kind == "warning"]
    assert any("250 tokens of the generator is spent" in one for one in said)


def test_labels_with_too_few_items_are_filled_up(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS), generate_when=[FewLabels(15)], start_items=8)
    run.run()
    written = _written(run)
    with Ledger.open(run.ledger_url) as ledger:
        early = Counter(one.label for one in ledger.labels(1).values())
    for name in WORDS:
        assert written[0, name] == 15 - early[name]
        assert not any(written[number, name] for number in range(1, 5))


def test_a_generator_that_balances_is_asked_for_what_is_rare(tmp_path: Path) -> None:
    class Balancing(ListedGenerator):
        def wanted(self, counts: Any, k: int) -> dict[str, int]:
            most = max(counts.values())
            return {name: min(k, most - count) for name, count in counts.items()}

    run = _run(tmp_path, Balancing(WORDS), budget=Budget(rounds=1, batch=20))
    run.run()
    written = _written(run)
    with Ledger.open(run.ledger_url) as ledger:
        early = Counter(one.label for one in ledger.labels(1).values())
    rare, common = sorted(WORDS, key=lambda name: early[name])
    assert early[rare] < early[common]
    assert written[0, rare] == early[common] - early[rare]
    assert written[0, common] == 0


def test_people_refute_a_batch_by_its_sample(tmp_path: Path) -> None:
    use = SyntheticUse(check=4, harm=0, least_labels=1000)
    options: dict[str, Any] = {"synthetic": use, "generate_when": [EveryRounds(9)]}
    first = _run(tmp_path, ListedGenerator(WORDS), budget=Budget(rounds=1, batch=20), **options)
    first.run()
    path = tmp_path / "run" / "synthetic-check.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert [*rows[0]][:2] == ["id", "text"]
    assert all(not row["label"] for row in rows)
    assert not any(name in path.read_text(encoding="utf-8-sig").split("\n", 1)[1] for name in WORDS)
    with Ledger.open(first.ledger_url) as ledger:
        asked = {one.id: one.label for one in ledger.synthetic()}
    for row in rows:
        row["label"] = WRONG[asked[row["id"]]]
    rows[0]["label"] = "no such label"
    _fill(path, rows)
    more = {**options, "budget": Budget(rounds=2, batch=20)}
    _run(tmp_path, ListedGenerator(WORDS), **more).run()
    with Ledger.open(first.ledger_url) as ledger:
        assert ledger.usage()["synthetic check"].human_labels == 3
        said = [one.message for one in ledger.events() if one.kind == "warning"]
    assert any("no such label" in one and "synthetic-check.csv, line" in one for one in said)
    assert _judged(first)[-1].withdrawn == {}
    rows[0]["label"] = asked[rows[0]["id"]]
    _fill(path, rows)
    more = {**options, "budget": Budget(rounds=3, batch=20)}
    _run(tmp_path, ListedGenerator(WORDS), **more).run()
    last = _judged(first)[-1]
    assert last.withdrawn == {"listed in round 0": "people gave 3 of 4 checked items another label"}
    assert last.synthetic == 0


def _fill(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def test_folds_keep_labels_in_proportion_and_copies_together(tmp_path: Path) -> None:
    texts = [f"a{n // 2} b" for n in range(40)]
    names = [list(WORDS)[n // 2 % 2] for n in range(40)]
    pool = Pool.from_texts(texts, names, cache=tmp_path / "cache")
    run = _run(tmp_path, ListedGenerator(WORDS), duplicates="apart")
    with run.campaign as campaign:
        from llmal.run.held_out import _folds

        columns = np.array([[*WORDS].index(name) for name in names])
        firsts = texts
        folds = _folds(firsts, columns, np.ones(40, bool), 5, campaign.seed)
    assert len(pool) == 40
    assert all(len({folds[n], folds[n + 1]}) == 1 for n in range(0, 40, 2))
    for fold in range(5):
        assert Counter(columns[folds == fold].tolist()) == {0: 4, 1: 4}


def test_nothing_is_written_that_gives_an_audited_item_away(tmp_path: Path) -> None:
    class Copying(ListedGenerator):
        """Writes what is audited, word for word, beside texts of its own."""

        audited: ClassVar[list[str]] = []

        def plan(self, request: Any, k: int) -> Any:
            inner = super().plan(request, k)

            def write() -> list[SyntheticItem]:
                made = inner.execute()
                return [replace(made[0], text=self.audited[0]), *made[1:]]

            return BatchPlan(write, each=lambda: inner.each, first=lambda n: self.plan(request, n))

    generator = Copying(WORDS)
    options: dict[str, Any] = {"audit": 10, "filters": [Leakage()], "generate_per_label": 3}
    run = _run(tmp_path, generator, budget=Budget(rounds=1, batch=20), **options)
    with run.campaign as campaign:
        order = campaign.ask()
        assert order is not None
        assert order.purpose == "audit"
        Copying.audited = [one.text for one in order.items]
    run.run()
    with Ledger.open(run.ledger_url) as ledger:
        copies = [one for one in ledger.synthetic() if one.text == Copying.audited[0]]
        others = [one for one in ledger.synthetic() if one.text != Copying.audited[0]]
    assert copies
    assert {one.refused_by for one in copies} == {"leakage"}
    assert all("of the audit of this run" in (one.reason or "") for one in copies)
    assert any(one.accepted for one in others)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"folds": 1}, "folds is 1"),
        ({"weight": 0.0}, "weight is 0"),
        ({"harm": 1.0}, "harm is 1"),
        ({"check": -1}, "check is -1"),
        ({"patience": 0}, "patience is 0"),
    ],
)
def test_numbers_out_of_range_are_said(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        SyntheticUse(**options)


def test_a_batch_is_named_by_its_generator_and_round(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS), budget=Budget(rounds=1, batch=20))
    run.run()
    with Ledger.open(run.ledger_url) as ledger:
        assert {batch_of(one) for one in ledger.synthetic()} == {
            "listed in round 0",
            "listed in round 1",
        }


def test_the_report_says_what_they_brought_and_what_went(tmp_path: Path) -> None:
    run = _run(tmp_path, ListedGenerator(WORDS, wrong=WRONG))
    run.run()
    page = write_run(run, baseline=False).read_text(encoding="utf-8")
    assert "What they brought" in page
    assert "listed in round 0: the Brier score on 20 labels by people is higher" in page
    assert "what was written brought nothing, 3 times in a row" in page
