from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import llmal
from llmal.errors import LlmalError
from llmal.learners import LinearHead, TextClassifier, load_learner

SENTENCES = {
    "sport": [
        "The home team won the match in extra time",
        "A young striker scored two goals in the derby",
        "The tennis champion lost the final in straight sets",
    ],
    "food": [
        "The soup needs a little more salt and pepper",
        "Bake the bread for forty minutes in a hot oven",
        "This small restaurant serves very good pasta",
    ],
    "weather": [
        "Heavy rain is expected along the coast tonight",
        "The storm left a thick layer of snow on the hills",
        "It stays sunny and warm until the weekend",
    ],
}
LABELS = ["weather", "sport", "food", "never seen"]


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory, embedder):
    """A run of which the learner is left."""
    folder = tmp_path_factory.mktemp("run")
    rows = [(f"{text} (note {n})", label) for label in SENTENCES for n in range(5)
            for text in SENTENCES[label]]  # fmt: skip
    texts, gold = zip(*rows, strict=True)
    run = llmal.Orchestrator(
        llmal.Task("topics", LABELS),
        llmal.Pool.from_texts(texts, gold, cache=folder),
        directory=folder / "run",
        annotator=llmal.annotators.SimulatedHuman(),
        embedder=embedder,
        budget=llmal.Budget(human_labels=30, batch=10),
    )
    assert run.run().status == "finished"
    return folder / "run"


@pytest.fixture
def texts():
    return [
        "The match ended in a draw",
        None,
        "Salt the soup",
        "Snow on the hills",
        "Salt the soup",
    ]


def test_rows_get_the_labels_of_the_learner(run_directory, texts, embedder):
    frame = pd.DataFrame({"text": texts, "label": 1}, index=list("vwxyz"))
    result = llmal.predict(run_directory, frame, probabilities=True)
    assert result.labels == ["sport", None, "food", "weather", "food"]
    assert result.failed == [1]
    assert list(result.to_pandas().index) == list("vwxyz")
    assert result.added["label"] == "llmal_label"
    classifier = load_learner(run_directory / "learner")
    assert isinstance(classifier, TextClassifier)
    assert list(classifier.classes_) == LABELS
    filled = [text for text in texts if text]
    shares = classifier.predict_proba(filled)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares[:, 3] == 0).all()
    assert classifier.predict(filled) == [one for one in result.labels if one]
    assert result.column("probabilities")[0] == pytest.approx(
        dict(zip(LABELS, shares[0], strict=True))
    )
    bare = LinearHead().load(run_directory / "learner")
    vectors = embedder.embed(filled)
    np.testing.assert_allclose(shares[:, bare.classes_], bare.predict_proba(vectors))
    assert list(llmal.predict(classifier, texts)) == [
        {key: row[key] for key in ("text",)}
        | {"label": row["llmal_label"]}
        | {key: row[key] for key in ("confidence", "flags", "error")}
        for row in result
    ]


def test_the_folder_says_which_embedder_it_needs(run_directory, tmp_path):
    kept = json.loads((run_directory / "learner" / "labels.json").read_text())
    assert kept["labels"] == LABELS
    assert kept["embedder"]["model"] == "all-MiniLM-L6-v2"

    class Other:
        dimensions = 384
        fingerprint = "another"

        def embed(self, texts):
            return np.zeros((len(texts), 384), np.float32)

    with pytest.raises(LlmalError, match="was trained on embeddings of all-MiniLM-L6-v2"):
        load_learner(run_directory, embedder=Other())


def test_a_learner_that_was_saved_without_names_is_given_them(run_directory, texts, tmp_path):
    shutil.copytree(run_directory / "learner", tmp_path / "old")
    (tmp_path / "old" / "labels.json").unlink()
    with pytest.raises(LlmalError, match="saved without the names of its labels; give labels="):
        load_learner(tmp_path / "old")
    with pytest.raises(LlmalError, match="which embedder made them is not known; give embedder="):
        load_learner(tmp_path / "old", labels=LABELS)
    with pytest.raises(LlmalError, match="1 names of labels do not cover"):
        load_learner(tmp_path / "old", labels=["weather"], embedder="all-MiniLM-L6-v2")
    old = load_learner(tmp_path / "old", labels=LABELS, embedder="all-MiniLM-L6-v2")
    assert llmal.predict(old, texts).labels == llmal.predict(run_directory, texts).labels


def test_a_learner_of_names_knows_them(embedder, tmp_path):
    texts = [text for one in SENTENCES.values() for text in one]
    names = [label for label, some in SENTENCES.items() for _ in some]
    LinearHead().fit(embedder.embed(texts), names).save(tmp_path / "own")
    classifier = load_learner(tmp_path / "own", embedder=embedder)
    assert classifier.labels == tuple(sorted(SENTENCES))
    assert classifier.predict(texts) == names


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (None, None, "there is no trained learner here"),
        ("learner.json", "{", "not valid JSON"),
        ("learner.json", "[]", "this is not a saved learner"),
        ("learner.json", '{"learner": "forest", "parameters": {}}', "there is no 'forest' among"),
    ],
)
def test_what_is_no_learner_is_one_sentence(tmp_path, name, content, sentence):
    if name is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(LlmalError, match=sentence):
        load_learner(tmp_path)
    with pytest.raises(LlmalError, match="there is no such directory"):
        load_learner(tmp_path / "gone")


def test_the_former_name_says_the_new_one():
    with pytest.warns(DeprecationWarning, match=r"llmal\.learners\.load is now llmal\.load_learne"):
        assert llmal.learners.load is llmal.load_learner
