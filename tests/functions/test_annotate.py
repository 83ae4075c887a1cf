from __future__ import annotations

import json
import logging

import datasets
import numpy as np
import pandas as pd
import pytest

import llmal
from llmal.annotators import LLMAnnotator
from llmal.errors import ConfigError, ContextLengthError, DataError, LlmalError, ServerError

TEXTS = ["Who wrote Emma ?", None, "How many legs has a spider ?", " ", float("nan"), "Who is it ?"]
EMPTY = "there is no text: 'text' is empty"


def _whole(result):
    """Labels of rows that have a text, and errors of those that have none."""
    assert [row["error"] for row in result] == [None, EMPTY, None, EMPTY, EMPTY, None]
    assert [row["label"] is None for row in result] == [False, True, False, True, True, False]
    return [row["label"] for row in result]


def test_every_kind_of_data_comes_back_row_by_row(options, tmp_path):
    expected = _whole(llmal.annotate(TEXTS, **options))
    assert {expected[0], expected[2]} == {"Person", "Number"}
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"id": "x", "text": t}) + "\n" for t in TEXTS[:4]))
    frame = pd.DataFrame({"text": TEXTS})
    kinds = {
        "generator": (text for text in TEXTS),
        "array": np.array(TEXTS, dtype=object),
        "series": frame["text"],
        "frame": frame,
        "rows": [{"text": text, "n": n} for n, text in enumerate(TEXTS)],
        "columns": {"text": TEXTS},
        "dataset": datasets.Dataset.from_list([{"text": t} for t in [*TEXTS[:4], None, TEXTS[5]]]),
    }
    for name, data in kinds.items():
        assert _whole(llmal.annotate(data, **options)) == expected, name
    file_rows = llmal.annotate(file, **options)
    assert [row["label"] for row in file_rows] == expected[:4]
    assert [row["id"] for row in file_rows] == ["x"] * 4
    pool = llmal.Pool.from_texts([TEXTS[0], TEXTS[2]], gold=["Person", None], cache=tmp_path)
    from_pool = llmal.annotate(pool, **options)
    assert from_pool.column("label") == [expected[0], expected[2]]
    assert from_pool.added["label"] == "label"
    assert [row["gold"] for row in from_pool] == ["Person", None]


def test_a_frame_keeps_index_types_and_its_own_label(messy, options, caplog):
    before = messy.copy()
    result = llmal.annotate(messy, probabilities=True, **options)
    frame = result.to_pandas()
    pd.testing.assert_frame_equal(messy, before)
    pd.testing.assert_frame_equal(frame[list(messy.columns)], messy)
    assert list(frame.columns[len(messy.columns) :]) == [
        "llmal_label",
        "confidence",
        "probabilities",
        "flags",
        "error",
    ]
    assert result.added["label"] == "llmal_label"
    assert "'label' is in 'llmal_label'" in caplog.text
    assert [None if pd.isna(one) else one for one in frame["llmal_label"]] == result.labels
    assert frame["confidence"].dtype == "float64"
    assert np.isnan(frame["confidence"].to_numpy()[1])
    for shares, label, confidence in zip(
        result.column("probabilities"), result.labels, result.column("confidence"), strict=True
    ):
        if label is None:
            assert shares is None
            continue
        assert sum(shares.values()) == pytest.approx(1)
        assert confidence == shares[label] == max(shares.values())


def test_rows_are_those_of_the_annotator_it_stands_for(options, labelled):
    texts = [text for text, _ in labelled]
    result = llmal.annotate(texts, probabilities=True, calibrate=None, **options)
    task = llmal.Task("annotate", options["labels"])
    annotator = LLMAnnotator(task, options["lm"], calibrate=())
    items = [llmal.Item(str(n), text, {"text": text}) for n, text in enumerate(texts)]
    for row, annotation in zip(result, annotator.annotate(items), strict=True):
        assert row["label"] == annotation.label
        assert row["probabilities"] == pytest.approx(dict(annotation.probabilities or {}), abs=1e-5)


def test_equal_texts_are_asked_once_and_nothing_again(options, tiny_hf):
    before = tiny_hf.usage.requests
    once = llmal.annotate(["Who is it ?"], calibrate=None, style="completion", **options)
    asked = tiny_hf.usage.requests - before
    assert asked > 0
    many = llmal.annotate(["Who is it ?"] * 50, calibrate=None, style="completion", **options)
    assert tiny_hf.usage.requests - before == asked
    assert many.labels == once.labels * 50
    assert many.cost.requests == once.cost.requests
    assert tiny_hf.cache is None


def test_demonstrations_in_every_form_make_the_same_prompt(options, labelled, tmp_path):
    frame = pd.DataFrame(labelled, columns=["text", "label"])
    file = tmp_path / "labelled.csv"
    frame.to_csv(file, index=False)
    renamed = frame.rename(columns={"label": "truth"})
    forms = [
        (labelled, {}),
        (dict(labelled), {}),
        (frame, {}),
        (file, {}),
        (frame.to_dict("records"), {}),
        (renamed, {"label_column": "truth"}),
        (llmal.Pool.from_pandas(renamed, gold="truth", cache=tmp_path), {}),
        ([*labelled, ("no label yet", None), (None, "Person")], {}),
    ]
    texts = ["Who sang it ?", labelled[0][0]]
    rows = [
        list(llmal.annotate(texts, demonstrations=form, **more, **options)) for form, more in forms
    ]
    assert all(one == rows[0] for one in rows)
    assert rows[0] != list(llmal.annotate(texts, **options))


def test_labels_are_spelt_as_the_task_spells_them(options, labelled):
    loosely = [(text, f" {label.upper()} ") for text, label in labelled]
    texts = ["Who sang it ?", "How many ?"]
    rows = list(llmal.annotate(texts, demonstrations=loosely, **options))
    assert rows == list(llmal.annotate(texts, demonstrations=labelled, **options))
    with pytest.raises(DataError, match=r"demonstrations, 'x': .* did you mean 'Person'"):
        llmal.annotate(texts, demonstrations=[("x", "Persons")], **options)


def test_labels_may_be_those_of_the_demonstrations(options, labelled):
    del options["labels"]
    result = llmal.annotate(["How many ?"], demonstrations=labelled, probabilities=True, **options)
    assert set(result[0]["probabilities"]) == {"Person", "Number"}


def test_a_row_that_cannot_be_asked_about_does_not_cost_the_others(options):
    rows = [
        {"text": "Who is it ?"},
        {"text": ["a", "list"]},
        {"text": "half \ud800 a pair"},
        {"other": 1},
        {"text": 2024},
    ]
    result = llmal.annotate(rows, **options)
    assert [row["label"] is None for row in result] == [False, True, True, True, False]
    assert "of type list, not a string" in result[1]["error"]
    assert "surrogate" in result[2]["error"]
    assert result[3]["error"] == EMPTY
    assert result.failed == [1, 2, 3]


def test_a_text_that_is_too_long_is_cut_and_flagged(options):
    long = "Who " * 20_000
    result = llmal.annotate([long, "Who ?"], **options)
    assert result.failed == []
    assert result[0]["flags"] == ["the text was cut to the context"]
    assert result[1]["flags"] == []


class _Refusing:
    """A model that fails on some texts, or from some text on; the rest it passes on."""

    def __init__(self, lm, error, word):
        self._lm, self._error, self._word = lm, error, word

    def __getattr__(self, name):
        return getattr(self._lm, name)

    def score(self, prompts, candidates, **options):
        if any(self._word in str(prompt) for prompt in prompts):
            raise self._error
        return self._lm.score(prompts, candidates, **options)


def test_a_failed_row_says_why_and_the_others_are_labelled(options):
    texts = [f"How many of {n} ?" for n in range(40)]
    texts[17] = "a poisoned text"
    options["lm"] = _Refusing(options["lm"], ContextLengthError("too much"), "poisoned")
    result = llmal.annotate(texts, calibrate=None, style="completion", **options)
    assert result.failed == [17]
    assert result[17]["error"] == "too much"


def test_a_server_that_is_lost_keeps_what_it_has_answered(options, caplog):
    texts = [f"How many of {n} ?" for n in range(200)]
    texts[150] = "the cable is cut here"
    lost = ServerError("the server is gone", fix="start it")
    options["lm"] = _Refusing(options["lm"], lost, "cable")
    result = llmal.annotate(texts, calibrate=None, style="completion", **options)
    assert result.failed
    assert result.failed == list(range(result.failed[0], 200))
    assert result[199]["error"] == "not asked: the server is gone; start it"
    assert "the remaining rows are not labelled" in caplog.text
    with pytest.raises(ServerError):
        llmal.annotate(["cable"], calibrate=None, style="completion", **options)


def test_a_server_that_is_down_is_one_sentence():
    with pytest.raises(ServerError, match=r"no model server answers at http://127\.0\.0\.1:9/v1"):
        llmal.annotate(["a"], labels=["x", "y"], lm="http://127.0.0.1:9/v1")


def test_a_budget_ends_the_asking_and_says_so(options, caplog):
    texts = [f"How many of {n} ?" for n in range(300)]
    whole = llmal.annotate(texts, dry_run=True, calibrate=None, **options)
    assert whole.cost.tokens > 0
    assert {row["error"] for row in whole} == {"not asked: this was a dry run"}
    full = llmal.annotate(texts, calibrate=None, **options)
    assert 0 < full.cost.tokens <= whole.cost.tokens
    budget = llmal.Budget(tokens=full.cost.tokens // 2)
    result = llmal.annotate(texts, budget=budget, calibrate=None, **options)
    assert 0 < result.cost.tokens <= budget.tokens
    assert 0 < len(result.failed) < 300
    assert "is used up" in result[299]["error"]
    assert "remaining rows" in caplog.text


def test_a_dry_run_loads_no_model(tiny_lm_path):
    result = llmal.annotate(["a", "b"], labels=["x", "y"], lm=tiny_lm_path, dry_run=True)
    assert result.cost.prompt_tokens > 0


def test_a_model_that_was_loaded_here_labels_and_is_named_by_its_path(tiny_lm_path, options):
    del options["lm"]
    result = llmal.annotate(["Who is it ?"], lm=str(tiny_lm_path), **options)
    assert result.labels == ["Person"]


def test_a_chat_model_of_langchain_is_taken_as_it_is():
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    from llmal.functions.models import opened_model

    with opened_model(FakeListChatModel(responses=["a"]), cache=False) as lm:
        assert isinstance(lm, llmal.lm.ChatLM)


def test_similarity_stands_in_only_when_it_is_asked_for(labelled, embedder):
    texts = [text for text, _ in labelled]
    labels = {"Person": "a human being", "Number": "how many, a count"}
    result = llmal.annotate(texts, labels, lm="similarity", embedder=embedder)
    assert result.failed == []
    assert result.cost.tokens == 0
    with pytest.raises(ConfigError, match="there is no language model; give lm="):
        llmal.annotate(texts, labels)


def test_rationales_come_on_request(options):
    without = llmal.annotate(["Who is it ?"], **options)
    assert "rationale" not in without.columns
    assert without.cost.completion_tokens == 0
    result = llmal.annotate(["Who is it ?"], rationale=True, **options)
    assert "rationale" in result.columns
    assert result.cost.completion_tokens > 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": "txt", "data": {"text": ["a"], "n": [1]}}, "no text column 'txt'.*mean 'text'"),
        ({"data": {"txt": ["a"], "n": [1]}}, "say with text which it is"),
        ({"data": "hello world"}, "data is one string, and there is no file of that name"),
        ({"data": "no.csv"}, "no.csv: there is no such file"),
        ({"data": []}, "there are no rows"),
        ({"data": 5}, "data is of type int; give a list of texts"),
        ({"data": ["a", 5]}, "row 2 is of type int"),
        ({"data": datasets.DatasetDict({"train": datasets.Dataset.from_list([{"text": "a"}])})},
         r"several data sets \('train'\)"),
        ({"labels": "a,b"}, "the labels are one string"),
        ({"labels": None}, "there are no labels"),
        ({"labels": ["a"]}, "has 1 label"),
        ({"demonstrations": ["x"]}, "row 1 is no pair of a text and its label"),
        ({"demonstrations": [("x", "Persn")]}, "'Persn' is not a label"),
        ({"demonstrations": {"text": ["a"], "lable": ["b"]}}, "no label column 'label'.*'lable'"),
        ({"calibrate": "contextul"}, "did you mean 'contextual'"),
        ({"lm": object()}, "lm is of type object; give lm="),
        ({"lm": "/no/such/model"}, "there is no model"),
        ({"encoding": "latin-1"}, "only a file has an encoding"),
        ({"shots": 3}, "shots is 3, and there is nothing to show; give demonstrations="),
        ({"style": "shouting"}, "there is no prompt style 'shouting'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(options, given, sentence):
    with pytest.raises(LlmalError, match=sentence):
        llmal.annotate(**{"data": ["a"], **options, **given})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("codes", True),
        ("shortlist", 3),
        ("calibrate", None),
        ("normalise", "mean"),
        ("style", "chat"),
    ],
)
def test_a_chosen_prompt_takes_no_other_way_of_asking(options, labelled, option, value):
    shown = llmal.choose_demonstrations(labelled, 2, **options)
    given = {key: value for key, value in options.items() if key != "labels"}
    with pytest.raises(LlmalError, match=f"{option} has no effect here"):
        llmal.annotate(["a"], demonstrations=shown, **given, **{option: value})


def test_results_are_saved_shown_and_taken_apart(messy, options, tmp_path, capsys):
    messy.loc[1, "text"] = "Who is <b>it</b> ?"
    result = llmal.annotate(messy, **options)
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        assert result.save(tmp_path / name) == tmp_path / name
        with pytest.raises(ConfigError, match="the file is there already"):
            result.save(tmp_path / name)
        result.save(tmp_path / name, force=True)
    as_csv = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert list(as_csv["Nr"]) == ["007", "007", "A1 ", "A1"]
    assert list(as_csv["text"]) == list(messy["text"].fillna(""))
    assert list(as_csv["error"]) == [row["error"] or "" for row in result]
    as_json = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["llmal_label"] for row in as_json] == result.labels
    assert pd.read_parquet(tmp_path / "out.parquet")["price"].tolist()[2:] == [3.0, 4.0]
    result.show()
    shown = capsys.readouterr().out
    assert "Wer schrieb" in shown
    assert EMPTY.split()[0] in shown
    page = result._repr_html_()
    assert "&lt;b&gt;it&lt;/b&gt;" in page
    assert "<b>it" not in page
    assert len(result[1:3]) == 2
    assert "4 rows" in repr(result)


def test_values_of_numpy_and_pandas_are_saved_as_what_they_are(options, tmp_path):
    rows = [
        {"text": "Who is it ?", "n": np.int64(3), "x": np.float32(0.5), "yes": np.bool_(True),
         "when": pd.Timestamp("2020-01-01"), "more": {"a": [1, None]}},
        {"text": "Who ?", "n": None, "x": float("nan"), "yes": None, "when": pd.NaT, "more": None},
    ]  # fmt: skip
    result = llmal.annotate(rows, **options)
    file = result.save(tmp_path / "out.parquet")
    frame = pd.read_parquet(file, dtype_backend="numpy_nullable")
    assert frame["n"].tolist() == [3, pd.NA]
    assert [frame[name].dtype.kind for name in ("n", "x", "yes")] == ["i", "f", "b"]
    assert frame["more"][0] == '{"a": [1, null]}'
    assert frame["when"][0].startswith("2020-01-01")


def test_a_data_set_keeps_its_features(options):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["x", "y"])}
    )
    data = datasets.Dataset.from_dict({"text": ["Who ?", None], "label": [1, 0]}, features=features)
    result = llmal.annotate(data, **options)
    assert [row["label"] for row in result] == ["y", "x"]
    added = result.to_dataset()
    assert added.features["label"] == features["label"]
    assert added["llmal_label"][:] == result.labels


def test_warnings_are_few(options, caplog):
    with caplog.at_level(logging.WARNING):
        llmal.annotate([f"How many of {n} ?" for n in range(100)], **options)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == len(set(messages))


def test_wide_label_sets_are_shortlisted_on_request_and_by_default(tiny_hf):
    texts = ["Who wrote Emma ?", "How far is the moon ?", "Where is Vienna ?"]
    labels = [f"{kind} of {what}" for kind in ("name", "place", "size") for what in "abcdefgh"]
    by_default = llmal.annotate(texts, labels, lm=tiny_hf, cache=False, probabilities=True)
    every = llmal.annotate(texts, labels, lm=tiny_hf, cache=False, shortlist=0)
    few = llmal.annotate(texts, labels, lm=tiny_hf, cache=False, shortlist=4)
    assert by_default.column("flags") == [["20 of 24 labels were scored"]] * 3
    assert every.column("flags") == [[]] * 3
    assert few.column("flags") == [["4 of 24 labels were scored"]] * 3
    for row in by_default.column("probabilities"):
        assert sum(row.values()) == pytest.approx(1, abs=1e-6)
        assert min(row.values()) > 0
