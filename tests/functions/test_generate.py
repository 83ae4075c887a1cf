from __future__ import annotations

import csv

import pytest

import llmal
from llmal.errors import LlmalError

LINES = {"structure": "line", "agreement": 0.0, "min_words": 1, "max_words": 20}


@pytest.fixture
def options(tiny_hf, tmp_path, embedder):
    return {"lm": tiny_hf, "cache": tmp_path / "answers.sqlite", "embedder": embedder, **LINES}


def test_texts_of_each_label_are_written_and_the_refused_ones_kept(options, labelled, tmp_path):
    result = llmal.generate(
        {"Person": "a human being", "Number": "a count"}, 3, demonstrations=labelled, **options
    )
    written = len(result) + len(result.refused)
    assert written > 0
    assert set(result.labels) <= {"Person", "Number"}
    for label in ("Person", "Number"):
        assert result.labels.count(label) + result.missing.get(label, 0) >= 3
    assert all(row["synthetic"] is True for row in result)
    assert all(row["refused_by"] and row["reason"] for row in result.refused)
    known = {text.casefold() for text, _ in labelled}
    assert known.isdisjoint(text.casefold() for text in result.texts)
    assert len(set(result.texts)) == len(result.texts)
    assert result.cost.completion_tokens > 0
    with result.save(tmp_path / "new.csv").open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == result.texts


def test_a_seed_fixes_the_texts(options, labelled):
    def texts(seed):
        return llmal.generate(None, 2, demonstrations=labelled, seed=seed, **options).texts

    first = texts(1)
    assert first == texts(1)
    assert first != texts(2)


def test_texts_that_are_to_be_avoided_are_not_written_again(options, labelled):
    first = llmal.generate(None, 2, demonstrations=labelled, label="Person", **options)
    assert set(first.labels) == {"Person"}
    again = llmal.generate(
        None, 2, demonstrations=labelled, label="Person", avoid=first.texts, **options
    )
    assert set(first.texts).isdisjoint(again.texts)


def test_nothing_near_a_test_item_is_accepted(options, labelled):
    common = {**options, "demonstrations": labelled, "label": "Person"}
    first = llmal.generate(None, 2, filters=["format_length"], **common)
    assert len(first) >= 2
    again = llmal.generate(None, 2, filters=["leakage"], test=first.texts, **common)
    given_away = [row for row in again.refused if row["refused_by"] == "leakage"]
    assert set(first.texts) <= {row["text"] for row in given_away}
    assert all("of the test set" in row["reason"] for row in given_away)
    assert {row["provenance"]["model"] for row in first} == {options["lm"].fingerprint}


def test_text_columns_keep_their_names_and_those_of_llmal_give_way(options, labelled, tmp_path):
    rows = {"label": [text for text, _ in labelled], "kind": [label for _, label in labelled]}
    result = llmal.generate(
        None, 2, demonstrations=rows, label_column="kind", text="label", **options
    )
    assert len(result) > 0
    assert result.text == ("label",)
    assert result.columns == (
        *("id", "label", "llmal_label", "synthetic", "generator", "provenance"),
    )
    assert [row["label"] for row in result] == result.texts
    assert set(result.labels) <= {"Person", "Number"}
    assert result.labels == [row["llmal_label"] for row in result]
    assert all(row["llmal_label"] in ("Person", "Number") for row in result.refused)
    with result.save(tmp_path / "new.csv").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == result.texts


def test_a_budget_and_a_dry_run(options, labelled, caplog):
    most = llmal.generate(None, 3, demonstrations=labelled, dry_run=True, **options)
    assert len(most) == 0
    assert most.cost.tokens > 0
    budget = llmal.Budget(tokens=most.cost.tokens // 4)
    result = llmal.generate(None, 3, demonstrations=labelled, budget=budget, **options)
    assert 0 < result.cost.tokens <= budget.tokens
    full = llmal.generate(None, 3, demonstrations=labelled, **options)
    assert full.cost.tokens <= most.cost.tokens
    with pytest.raises(LlmalError, match="does not reach for one text"):
        llmal.generate(["a", "b"], 3, budget=llmal.Budget(tokens=5), **options)


def test_a_preview_has_the_verdict_of_every_filter_and_the_price_of_the_whole(
    options, labelled, capsys
):
    chain = ["default", lambda text: "it is a text"]
    common = {**options, "demonstrations": labelled, "filters": chain}
    found = llmal.generate(["Person", "Number"], 4, preview=3, **common)
    assert [one.item.label for one in found.judged] == ["Person", "Person", "Number"]
    assert len(found) == 0
    for one in found.judged:
        if one.verdicts[0].filter != "class_conditional":
            assert [verdict.filter for verdict in one.verdicts] == [
                *("format_length", "near_duplicates", "label_agreement", "<lambda>")
            ]
            assert one.verdicts[-1].reason == "it is a text"
            assert 0 <= one.item.provenance["label_probability"] <= 1
    assert 0 < found.cost.tokens < found.most.tokens
    capsys.readouterr()
    found.show(1)
    shown = capsys.readouterr().out
    assert shown.startswith("1. Person: refused\n")
    assert "2. Person" not in shown
    assert "&lt;lambda&gt;" in found._repr_html_()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"task": None}, "there are no labels"),
        ({"lm": None}, "there is no language model; give lm="),
        ({"label": "Persn"}, "'Persn' is not a label"),
        ({"k": 0}, "k is 0"),
        ({"k": 1.5}, r"k is 1\.5"),
        ({"k": {"Person": "2"}}, "k of 'Person' is '2'"),
        ({"k": {"Person": 0}}, "k asks for no text of any label"),
        ({"k": {"Persons": 1}}, "'Persons' is not a label"),
        ({"k": {"Person": 1}, "label": "Number"}, "k names 'Person'"),
        ({"preview": 0}, "preview is 0; write at least 1 text"),
        ({"preview": 2, "dry_run": True}, "leave one of them out"),
        ({"structure": "prose"}, "structure"),
        ({"shots": -1}, "shots"),
        ({"min_words": 9, "max_words": 2}, "min_words"),
        ({"demonstrations": [("x", "z")]}, "'z' is not a label"),
        ({"prompt": "no.yaml"}, "no.yaml"),
    ],
)
def test_a_mistake_is_one_sentence(options, given, sentence):
    with pytest.raises(LlmalError, match=sentence) as error:
        llmal.generate(**{"task": ["Person", "Number"], "k": 1, **options, **given})
    assert "\n" not in str(error.value)


def test_rare_labels_are_brought_to_the_commonest(options, labelled, caplog):
    rows = [*labelled, *((f"Who was number {n} ?", "Person") for n in range(9))]
    call = {"demonstrations": rows, "generator": "minority", "filters": [], "dry_run": True}
    # Twelve are Persons, and three Numbers.
    whole = llmal.generate(None, 50, **call, **options).cost
    assert whole == llmal.generate(None, {"Number": 9}, **call, **options).cost
    assert llmal.generate(None, 4, **call, **options).cost.tokens < whole.tokens
    call["options"] = {"ratio": 0.25}
    assert "writes nothing" not in caplog.text
    none = llmal.generate(None, 50, **call, **options)
    assert none.cost.tokens == 0
    assert "minority writes nothing: by the demonstrations no label is rarer" in caplog.text
    call["dry_run"] = False
    assert len(llmal.generate(None, 50, **call, **options)) == 0
