from __future__ import annotations

import pandas as pd
import pytest

import llmal
from llmal.errors import LlmalError
from llmal.few_shot import ChosenPrompt

MORE = [(f"How many parts has number {n} ?", "Number") for n in range(10)] + [
    (f"Who was king number {n} ?", "Person") for n in range(10)
]


def test_a_choice_labels_as_an_object_a_prompt_and_a_file(options, labelled, tmp_path):
    rows = [*labelled, *MORE]
    shown = llmal.choose_demonstrations(rows, 4, seed=3, **options)
    assert len(shown) == 4
    assert {(row["text"], row["label"]) for row in shown} <= set(rows)
    assert shown.prompt is not None
    assert shown.cost.tokens > 0
    file = shown.save(tmp_path / "prompt.yaml")
    assert ChosenPrompt.load(file).task.names == tuple(options["labels"])
    del options["labels"]
    texts = ["Who sang ?", shown[0]["text"]]
    results = [
        list(llmal.annotate(texts, demonstrations=form, probabilities=True, **options))
        for form in (shown, shown.prompt, file, str(file))
    ]
    assert all(one == results[0] for one in results)
    with pytest.raises(LlmalError, match="labels has no effect"):
        llmal.annotate(texts, labels=["a", "b"], demonstrations=shown, **options)


def test_no_text_is_its_own_demonstration(options, labelled):
    shown = llmal.choose_demonstrations(labelled, 2, strategy="balanced", **options)
    alone = llmal.choose_demonstrations(
        [pair for pair in labelled if pair[0] == shown[1]["text"]],
        1,
        strategy="balanced",
        calibrate=None,
        **options,
    )
    asked = {"data": [shown[0]["text"]], "lm": options["lm"], "cache": False}
    with_both = llmal.choose_demonstrations(
        [pair for pair in labelled if pair[0] in (shown[0]["text"], shown[1]["text"])],
        2,
        strategy="balanced",
        calibrate=None,
        **options,
    )
    one = llmal.annotate(demonstrations=with_both, **asked)
    other = llmal.annotate(demonstrations=alone, **asked)
    assert one[0]["confidence"] == pytest.approx(other[0]["confidence"], abs=1e-5)


def test_without_a_model_strategies_that_ask_none_can_be_used(labelled, embedder, tmp_path):
    frame = pd.DataFrame([*labelled, *MORE], columns=["question", "label"])
    frame["id"] = [f"q{n}" for n in range(len(frame))]
    shown = llmal.choose_demonstrations(frame, 6, text="question", embedder=embedder)
    assert shown.prompt is None
    assert shown.labels.count("Person") == shown.labels.count("Number") == 3
    assert list(shown.to_pandas().columns) == ["question", "label", "id"]
    with pytest.raises(LlmalError, match="no prompt was made"):
        shown.save(tmp_path / "prompt.yaml")
    assert shown.save(tmp_path / "shown.csv").exists()
    diverse = llmal.choose_demonstrations(
        frame, 6, text="question", strategy="diverse", embedder=embedder
    )
    assert len({row["id"] for row in diverse}) == 6


def test_ids_of_the_rows_stand_in_the_prompt(options, labelled):
    rows = [{"id": f"q{n}", "text": t, "label": one} for n, (t, one) in enumerate(labelled)]
    shown = llmal.choose_demonstrations(rows, 2, strategy="balanced", **options)
    assert [one.id for one in shown.prompt.items] == [row["id"] for row in shown]


def test_the_only_column_beside_the_labels_is_the_text(options, labelled, tmp_path):
    file = tmp_path / "labelled.csv"
    pd.DataFrame(labelled, columns=["question", "label"]).to_csv(file, index=False)
    shown = llmal.choose_demonstrations(file, 2, strategy="random", **options)
    assert shown.text == ("question",)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"k": 9}, "9 shots are wanted and there are 6 labelled texts"),
        ({"strategy": "alsh"}, "did you mean 'allsh'"),
        ({"strategy": "allsh", "lm": None}, "'allsh' asks a language model; give lm="),
        ({"strategy": "similar", "lm": None}, "'similar' chooses for each text"),
        ({"calibrate": "contextul"}, "did you mean 'contextual'"),
        ({"calibrate": "batch", "lm": None}, "no language model to calibrate"),
        (
            {"data": [{"text": "a", "label": "Person"}], "label_column": "gold"},
            "no label column 'gold'",
        ),
        ({"labels": ["a", "b"]}, "is not a label of task 'choose'"),
        ({"data": "labelled"}, "data is one string"),
    ],
)
def test_a_mistake_is_one_sentence(options, labelled, embedder, given, sentence):
    with pytest.raises(LlmalError, match=sentence):
        llmal.choose_demonstrations(
            **{"data": labelled, "k": 2, "embedder": embedder, **options, **given}
        )


@pytest.mark.parametrize("strategy", ["allsh", "balanced", "uncertain"])
def test_a_dry_run_says_what_choosing_costs_and_a_budget_holds_it(
    strategy, options, labelled, tiny_hf
):
    def chosen(**more):
        given = {**options, "cache": False, "strategy": strategy, **more}
        return llmal.choose_demonstrations(labelled, 2, **given)

    before = tiny_hf.usage.requests
    foreseen = chosen(dry_run=True)
    assert len(foreseen) == 0
    assert foreseen.cost.tokens > 0
    with pytest.raises(LlmalError, match="10 tokens does not reach for demonstrations and"):
        chosen(budget=llmal.Budget(tokens=10))
    assert tiny_hf.usage.requests == before
    done = chosen(budget=llmal.Budget(tokens=foreseen.cost.tokens))
    assert 0 < done.cost.tokens <= foreseen.cost.tokens
    assert len(done) == 2
    assert llmal.choose_demonstrations(labelled, 2, dry_run=True).cost.tokens == 0
