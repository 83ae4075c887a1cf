"""Labels that there are before a campaign begins: learnt from, checked by a sample, never paid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told_answers import TASK, answer_of, pool_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, KnownLabels, Label, Pool, Task
from llmal.annotators import Outside
from llmal.errors import ConfigError, DataError, LlmalError
from llmal.run.known_labels import STAGE
from llmal.selectors import Margin, Random

TRUTH = {f"i{n:04d}": "animal" if n % 2 else "food" for n in range(40)}


def _open(directory: Path, pool: Pool, known: KnownLabels | None, **options: Any) -> Campaign:
    return Campaign(
        options.pop("task", TASK),
        pool,
        directory=directory,
        annotator=Outside("human"),
        learner=WordBayes(),
        selector=Margin(),
        start=Random(),
        budget=options.pop("budget", Budget(batch=4, human_labels=12)),
        seed=3,
        known=known,
        **options,
    )


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return pool_of(40, tmp_path / "cache")


def test_they_are_learnt_from_and_cost_nothing(tmp_path: Path, pool: Pool) -> None:
    some = {id: TRUTH[id] for id in [*TRUTH][:10]}
    with _open(tmp_path / "run", pool, KnownLabels(labels=some, by="anna")) as campaign:
        order = campaign.ask()
        assert order is not None
        # There is no start: the learner knows enough for its selector.
        assert order.phase == "query"
        assert not set(order.items.ids()) & some.keys()
        assert any(why != "margin 0.000" for why in order.why)
        assert campaign.purse.human_labels_left == 12
        assert {id: one.label for id, one in campaign.labels.items()} == some
        assert {one.annotator for one in campaign.labels.values()} == {"anna"}
        shown = campaign.items.demonstrations(campaign.labels, 0)
        assert {item.id: item.gold for item in shown} == some
        count = campaign.open().annotation_count()
    more = {**some, "i0000": "animal", "i0020": "food"}
    # Opened again nothing is taken in twice; what is other than before is a correction.
    with _open(tmp_path / "run", pool, KnownLabels(labels=some, by="anna")) as campaign:
        assert campaign.open().annotation_count() == count
    with _open(tmp_path / "run", pool, KnownLabels(labels=more, by="anna")) as campaign:
        assert campaign.open().annotation_count() == count + 2
        assert campaign.labels["i0000"].label == "animal"
        assert campaign.labels["i0020"].label == "food"


@pytest.mark.parametrize(("right", "trusted"), [(True, True), (False, False)])
def test_a_sample_is_checked_before_the_others_are_trusted(
    tmp_path: Path, pool: Pool, right: bool, trusted: bool
) -> None:
    other = {"animal": "food", "food": "animal"}
    given = {id: TRUTH[id] if right else other[TRUTH[id]] for id in [*TRUTH][:20]}
    # One of them is wrong whatever the others are.
    known = KnownLabels(labels=given, check=6, trust_from=0.8)
    told: list[str] = []
    with _open(
        tmp_path / "run", pool, known, callbacks=[lambda event: told.append(event.message)]
    ) as campaign:
        order = campaign.ask()
        assert order is not None
        assert (order.phase, len(order.items)) == ("check", 6)
        assert set(order.items.ids()) <= given.keys()
        assert set(order.why) == {"a sample of the known labels"}
        assert campaign.labels == {}
        asked = order.items.ids()
        campaign.tell(Annotation(id, TRUTH[id], "human", "human") for id in asked[:3])
    with _open(
        tmp_path / "run", pool, known, callbacks=[lambda event: told.append(event.message)]
    ) as campaign:
        order = campaign.ask()
        assert order is not None
        assert order.items.ids() == asked[3:]
        campaign.tell(Annotation(id, TRUTH[id], "human", "human") for id in asked[3:])
        order = campaign.ask()
        assert order is not None
        labels = {id: one.label for id, one in campaign.labels.items()}
        assert {id: labels[id] for id in asked} == {id: TRUTH[id] for id in asked}
        assert len(labels) == (20 if trusted else 6)
        said = [one.message for one in campaign.open().events()]
        same = 6 if trusted else 0
        words = f"people agree with {same} of 6 known labels"
        assert sum(one.startswith(words) for one in said) == 1
        assert any(one.startswith(words) for one in told)
        assert campaign.purse.human_labels_left == 6
        assert not trusted or order.phase == "query"


def test_what_the_sample_found_wrong_stays_as_people_said(tmp_path: Path, pool: Pool) -> None:
    known = KnownLabels(labels=dict(TRUTH), check=8, trust_from=0.5)
    with _open(tmp_path / "run", pool, known) as campaign:
        order = campaign.ask()
        assert order is not None
        first, *rest = order.items.ids()
        wrong = "food" if TRUTH[first] == "animal" else "animal"
        campaign.tell([Annotation(first, wrong, "human", "human")])
        campaign.tell(Annotation(id, TRUTH[id], "human", "human") for id in rest)
        assert campaign.ask() is None
        labels = {id: one.label for id, one in campaign.labels.items()}
        assert labels == {**TRUTH, first: wrong}


def test_they_go_through_changes_as_other_answers_do(tmp_path: Path, pool: Pool) -> None:
    some = {id: TRUTH[id] for id in [*TRUTH][:10]}
    known = KnownLabels(labels=some)
    with _open(tmp_path / "run", pool, known) as campaign:
        order = campaign.ask()
        assert order is not None
        campaign.tell(answer_of(item, "human") for item in order.items)
    task = Task("farm", [Label("beast", was="animal"), Label("dish", was="food")])
    now = {id: {"animal": "beast", "food": "dish"}[label] for id, label in some.items()}
    for source in (some, now):
        # Names of before are read too.
        known = KnownLabels(labels=source)
        with _open(tmp_path / "run", pool, known, task=task, accept_changes=True) as campaign:
            assert {id: campaign.labels[id].label for id in some} == now
            kept = [one for one in campaign.open().annotations() if one.stage == STAGE]
            assert len(kept) == 10


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({}, ConfigError, "known labels have 0 sources; name one"),
        ({"column": "a", "labels": {}}, ConfigError, "known labels have 2 sources"),
        ({"labels": {}, "by": " "}, ConfigError, "nobody is named for the known labels"),
        ({"labels": {}, "check": -1}, ConfigError, "check is -1"),
        ({"labels": {}, "trust_from": 2.0}, ConfigError, r"trust_from is 2\.0"),
        ({"labels": {}, "by_column": "x"}, ConfigError, "have no column of names"),
        ({"labels": {"gone": "food"}}, DataError, "no item with the id 'gone'"),
        ({"labels": {"i0001": "fud"}}, DataError, r"labels, item 'i0001': 'fud' is not a label"),
        ({"column": "old"}, DataError, "no column 'old' to take known labels from"),
        ({"file": "gone.csv"}, DataError, "gone.csv: there is no such file"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_taken_in(
    tmp_path: Path, pool: Pool, options: dict[str, Any], error: type[LlmalError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        _open(tmp_path / "run", pool, KnownLabels(**options)).open()
    with _open(tmp_path / "run", pool, None) as campaign:
        assert campaign.open().annotation_count() == 0


def test_a_column_and_a_file_say_who_gave_each_label(tmp_path: Path) -> None:
    lines = ["id,text,old,who", "a,a cat,ANIMAL,anna", "b,a soup,food,ben", "c,a dog,,"]
    (tmp_path / "pool.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pool = Pool.from_file(tmp_path / "pool.csv", cache=tmp_path / "cache")
    known = KnownLabels(column="old", by_column="who")
    read = [(one.item_id, one.label, one.annotator) for one in known.read(pool, TASK)]
    assert read == [("a", "animal", "anna"), ("b", "food", "ben")]
    file = tmp_path / "known.csv"
    file.write_text("id,label,who\na,animal,anna\nb,food,ben\nc,,\n", encoding="utf-8")
    found = KnownLabels(file=file, by_column="who").read(pool, TASK)
    assert [(one.item_id, one.label, one.annotator) for one in found] == read
    assert found[1].provenance == {"file": "known.csv", "line": 3}
    file.write_text("id,label,who\na,animal,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"known.csv, line 2: .*'who' does not say who gave"):
        KnownLabels(file=file, by_column="who").read(pool, TASK)
    file.write_text("id,label\na,animal\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no 'who'; give the columns id, label and who"):
        KnownLabels(file=file, by_column="who").read(pool, TASK)
    lines[1] = "a,a cat,anmal,anna"
    (tmp_path / "pool.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pool = Pool.from_file(tmp_path / "pool.csv", cache=tmp_path / "cache")
    with pytest.raises(DataError, match=r"pool.csv, line 2, column 'old': 'anmal' is not a label"):
        known.read(pool, TASK)


def test_labels_that_are_mended_after_a_refusal_are_no_change_of_the_pool(tmp_path: Path) -> None:
    file, known = tmp_path / "farm.csv", KnownLabels(column="old")
    file.write_text("id,text,old\n1,the cat,animl\n2,some bread,food\n3,a cow,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2.*'animl' is not a label of task 'farm'"):
        _open(tmp_path / "run", Pool.from_file(file), known).open()
    file.write_text(file.read_text(encoding="utf-8").replace("animl", "animal"), encoding="utf-8")
    with _open(tmp_path / "run", Pool.from_file(file), known) as campaign:
        assert {id: one.label for id, one in campaign.labels.items()} == {
            "1": "animal",
            "2": "food",
        }
