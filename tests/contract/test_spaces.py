"""What every space promises, checked for each kind of answer."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.task import Task
from llmal.task.spaces import KINDS, Space, refuse_unless

LABELS = ("joy", "anger", "fear", "sur,prise", "no | yes")

ANSWERS = {
    "single": [*LABELS],
    "multi": [
        (),
        ("joy",),
        ("anger", "joy"),
        ("anger", "fear", "joy"),
        ("no | yes", "sur,prise"),
        tuple(sorted(LABELS)),
    ],
}


@pytest.fixture(params=KINDS)
def space(request) -> Space:
    return Task("t", LABELS, kind=request.param).space


def _probabilities(space, rows=40):
    rng = np.random.default_rng(3)
    drawn = rng.random((rows, len(space.labels)))
    return drawn / drawn.sum(axis=1, keepdims=True) if space.rows_sum_to_one else drawn


def test_it_is_a_space_of_its_kind(space):
    assert isinstance(space, Space)
    assert space.kind in KINDS
    assert space.labels == LABELS


def test_what_is_written_is_read_back(space):
    for answer in ANSWERS[space.kind]:
        assert space.holds(answer)
        assert space.match(space.write(answer)) == answer
        assert space.match(answer) == answer
        assert space.match(space.to_json(answer)) == answer


def test_json_keeps_an_answer(space):
    for answer in [*ANSWERS[space.kind], None]:
        assert space.from_json(json.loads(json.dumps(space.to_json(answer)))) == answer


def test_an_empty_cell_is_no_answer(space):
    for nothing in (None, "", "  ", math.nan, np.nan):
        assert space.match(nothing) is None


@pytest.mark.parametrize("wrong", ["joyy", "joy anger", 7, "[joy", {"joyy": 1}, b"joy", 1.5])
def test_what_is_no_answer_is_told_in_a_sentence(space, wrong):
    with pytest.raises(DataError) as told:
        space.match(wrong)
    assert "\n" not in str(told.value)


def test_a_label_that_the_task_lacks_is_named_with_the_nearest(space):
    with pytest.raises(DataError, match=r"'joyy' is not a label of task 't'.*did you mean 'joy'"):
        space.match("joyy")


def test_other_things_are_no_answers_of_it(space):
    for other in (None, 3, ["joy"], ("joy", "anger"), ("joyy",), "joyy", frozenset({"joy"})):
        assert not space.holds(other)


def test_json_of_another_space_is_refused(space):
    for wrong in ("joyy", ["joyy"], 3, {"joy": 1}) + (
        (["joy"],) if space.kind == "single" else ("joy",)
    ):
        with pytest.raises(DataError):
            space.from_json(wrong)


def test_agreement_is_one_for_the_same_alone_and_symmetric(space):
    for one in ANSWERS[space.kind]:
        for two in ANSWERS[space.kind]:
            value = space.agreement(one, two)
            assert 0 <= value <= 1
            assert (value == 1) == (one == two)
            assert value == space.agreement(two, one)


def test_targets_and_back(space):
    answers = ANSWERS[space.kind]
    targets = space.targets(answers)
    assert len(targets) == len(answers)
    assert space.answers(targets) == answers
    assert len(space.targets([])) == 0
    with pytest.raises(DataError):
        space.targets(["joyy"])


def test_certain_probabilities_speak_for_their_answer(space):
    for answer in ANSWERS[space.kind]:
        certain = space.distribution([answer])
        assert certain.shape == (len(LABELS),)
        assert space.answer_of(certain) == answer
        assert space.uncertainty(certain[None])[0] == pytest.approx(0)
        assert space.entropy(certain[None])[0] == pytest.approx(0)


def test_one_row_and_many_are_decided_alike(space):
    probabilities = _probabilities(space)
    decided = space.answers(space.decide(probabilities))
    assert decided == [space.answer_of(row) for row in probabilities]
    assert all(space.holds(one) for one in decided)


def test_scores_and_probabilities_are_two_sides_of_one(space):
    probabilities = _probabilities(space)
    assert space.probabilities_of(space.scores_of(probabilities)) == pytest.approx(probabilities)


def test_uncertainty_is_greatest_where_nothing_is_known(space):
    even = np.full((1, len(LABELS)), 1 / len(LABELS) if space.rows_sum_to_one else 0.5)
    assert (space.uncertainty(_probabilities(space)) <= space.uncertainty(even) + 1e-12).all()
    assert (space.entropy(_probabilities(space)) <= space.entropy(even) + 1e-12).all()


def test_several_answers_make_one_by_majority(space):
    first, second = ANSWERS[space.kind][1:3]
    assert space.combine([first, second, first]) == first
    assert space.combine([first, second, second], [5, 1, 1]) == first
    assert space.combine([]) is None
    shares = space.distribution([first, second, first])
    assert ((shares >= 0) & (shares <= 1)).all()


def test_what_is_right_measures_one_and_the_rest_less(space):
    truth = space.targets(ANSWERS[space.kind])
    assert set(space.measures(truth, truth).values()) == {1.0}
    other = space.measures(np.roll(truth, 1, axis=0), truth)
    assert all(0 <= value < 1 for value in other.values())


def test_the_schema_admits_its_answers(space):
    schema = space.schema()
    words = schema.get("enum") or schema["items"]["enum"]
    assert words == list(LABELS)


def test_people_are_told_what_to_write(space):
    form = space.form
    assert all(name in form.named for name in LABELS)
    assert form.words(None) == form.named
    assert form.words("the 5 labels in the help").count("the 5 labels in the help") == 1
    assert all(space.match(one) is not None for one in form.choices)


def test_a_column_of_a_table_holds_its_answers(space, tmp_path):
    from llmal.core.tables import write_table

    column = space.column("answer")
    rows = [{"answer": one} for one in ANSWERS[space.kind]]
    write_table(tmp_path / "out.csv", "csv", [column], rows)
    read = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8-sig")))
    assert [space.match(one["answer"]) for one in read] == ANSWERS[space.kind]
    write_table(tmp_path / "out.jsonl", "jsonl", [column], rows)
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [space.match(json.loads(one)["answer"]) for one in lines] == ANSWERS[space.kind]


def test_it_says_how_a_language_model_is_asked(space):
    from llmal.prompting.asking import check_prompt, default_prompt

    task = Task("emotions", LABELS, kind=space.kind)
    check_prompt(task, default_prompt(task))


def test_counts_by_label(space):
    for answer in ANSWERS[space.kind]:
        assert set(space.names_in(answer)) == ({answer} if isinstance(answer, str) else {*answer})


def test_a_part_for_other_spaces_is_refused_by_name(space):
    task = Task("emotions", LABELS, kind=space.kind)
    refuse_unless(task, KINDS, "the selector random")
    others = tuple(one for one in KINDS if one != space.kind)
    with pytest.raises(
        ConfigError, match=r"^the selector badge works with .* task 'emotions' take"
    ):
        refuse_unless(task, others, "the selector badge", "use margin")
