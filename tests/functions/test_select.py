from __future__ import annotations

import datasets
import numpy as np
import pandas as pd
import pytest

import llmal
from llmal.errors import LlmalError

TOPICS = {
    "sport": "The team won match number {} in extra time",
    "food": "Bake the bread number {} for forty minutes",
    "weather": "Heavy rain is expected on day {} of the month",
}


@pytest.fixture
def frame() -> pd.DataFrame:
    """Thirty notes of three topics, every fifth of them empty, with an index and ids of its own."""
    names = list(TOPICS)
    texts = [TOPICS[names[n % 3]].format(n) if n % 5 else None for n in range(30)]
    return pd.DataFrame(
        {"ticket": [f"00{n // 2}" for n in range(30)], "text": texts, "n": range(30)},
        index=range(100, 130),
    )


def _topics(frame, count):
    names = list(TOPICS)
    return [names[n % 3] if n < count else None for n in range(len(frame))]


def test_picks_are_rows_of_the_data_best_first(frame, embedder):
    picks = llmal.select(frame, 6, embedder=embedder)
    assert len(picks) == len(set(picks.indices.tolist())) == 6
    assert [row["rank"] for row in picks] == [1, 2, 3, 4, 5, 6]
    chosen = frame.iloc[picks.indices]
    assert [row["n"] for row in picks] == chosen["n"].tolist()
    assert chosen["text"].notna().all()
    again = picks.to_pandas()
    pd.testing.assert_frame_equal(again[list(frame.columns)], chosen)
    assert list(again.columns[3:]) == ["rank", "score", "why"]
    assert again["rank"].dtype == "int64"
    assert all("most typical of cluster" in row["why"] for row in picks)


def test_every_kind_of_data_gives_the_same_picks(frame, embedder, tmp_path):
    frame = frame.assign(text=frame["text"].fillna(" "))
    file = tmp_path / "notes.csv"
    frame.to_csv(file, index=False)
    picks = llmal.select(frame, 5, embedder=embedder).indices.tolist()
    forms = [
        file,
        list(frame["text"]),
        (text for text in frame["text"]),
        frame.to_dict("records"),
        datasets.Dataset.from_pandas(frame, preserve_index=False),
    ]
    for form in forms:
        assert llmal.select(form, 5, text="text", embedder=embedder).indices.tolist() == picks
    other = llmal.select(file, 5, text="text", embedder=embedder, strategy="random", seed=1)
    assert other.indices.tolist() != picks
    pool = llmal.Pool.from_texts([text for text in frame["text"] if text.strip()], cache=tmp_path)
    from_pool = llmal.select(pool, 5, embedder=embedder)
    texts = [frame["text"].iloc[place] for place in picks]
    assert [row["text"] for row in from_pool] == texts
    assert [row["id"] for row in from_pool] == pool.ids(from_pool.indices)


def test_labels_so_far_in_every_form(frame, embedder, tmp_path):
    labels = _topics(frame, 12)
    known = {n: label for n, label in enumerate(labels) if label is not None}
    with_column = frame.assign(topic=labels)
    numbered = frame.assign(ticket=[f"t{n}" for n in range(30)])
    file = tmp_path / "labels.csv"
    pd.DataFrame({"id": [f"t{n}" for n in known], "label": known.values()}).to_csv(
        file, index=False
    )
    forms = [
        llmal.select(with_column, 4, strategy="margin", labelled="topic", embedder=embedder),
        llmal.select(frame, 4, strategy="margin", labelled=labels, embedder=embedder),
        llmal.select(frame, 4, strategy="margin", labelled=known, embedder=embedder),
        llmal.select(numbered, 4, strategy="margin", labelled=file, id="ticket", embedder=embedder),
    ]
    pool = llmal.Pool.from_pandas(
        numbered.assign(text=frame["text"].fillna("-")), id="ticket", cache=tmp_path
    )
    of_pool = llmal.select(pool, 4, strategy="margin", labelled=file, embedder=embedder)
    assert min(of_pool.indices) >= 12
    first = forms[0].indices.tolist()
    assert min(first) >= 12
    assert [one.indices.tolist() for one in forms] == [first] * 4
    assert forms[0].cost.tokens == 0


@pytest.mark.parametrize("strategy", ["random", "typiclust"])
def test_a_text_is_picked_once(embedder, strategy):
    texts = ["a match", "a soup", "a match", "some rain", "a soup", "a match"]
    picks = llmal.select(texts, 3, strategy=strategy, embedder=embedder)
    assert sorted(row["text"] for row in picks) == ["a match", "a soup", "some rain"]
    known = {2: "sport"}
    picks = llmal.select(texts, 2, strategy=strategy, labelled=known, embedder=embedder)
    assert sorted(row["text"] for row in picks) == ["a soup", "some rain"]
    everything = llmal.select(texts, 6, strategy=strategy, embedder=embedder)
    assert sorted(everything.indices) == list(range(6))


def test_a_strategy_that_asks_a_model_says_what_it_cost(frame, embedder, tiny_hf, tmp_path):
    picks = llmal.select(
        frame,
        3,
        strategy="llm_difficulty",
        options={"candidates": 8},
        labels=TOPICS,
        lm=tiny_hf,
        embedder=embedder,
        cache=tmp_path / "answers.sqlite",
    )
    assert picks.cost.requests >= 8
    assert len(picks) == 3


def test_strategies_over_labels_of_a_model_are_calibrated(frame, embedder, tiny_hf, tmp_path):
    def picks(**options):
        return llmal.select(
            frame,
            6,
            strategy="entropy",
            options={"of": "lm"},
            labels=TOPICS,
            lm=tiny_hf,
            embedder=embedder,
            cache=tmp_path / "answers.sqlite",
            style="completion",
            **options,
        )

    def told(result):
        return [float(one.split()[1].rstrip(":;,")) for one in result.column("why")]

    default, plain = picks(), picks(calibrate=None)
    texts = frame["text"].dropna().tolist()
    answers = llmal.annotate(
        texts, TOPICS, lm=tiny_hf, cache=False, probabilities=True, style="completion"
    )
    entropies = {}
    for text, row in zip(texts, answers.column("probabilities"), strict=True):
        p = np.array(list(row.values()))
        entropies[text] = -(p * np.log(p)).sum()
    expected = [entropies[text] for text in default.column("text")]
    np.testing.assert_allclose(told(default), expected, atol=6e-4)
    assert told(default) != told(plain)
    # Batch calibration asks about texts that are scored anyway.
    assert default.cost.requests == plain.cost.requests
    assert picks(calibrate="contextual").cost.requests > plain.cost.requests


@pytest.mark.parametrize(
    ("strategy", "options"),
    [("entropy", {"of": "lm"}), ("llm_difficulty", {}), ("perplexity", {"selector": "random"})],
)
def test_a_dry_run_says_what_picking_costs_and_a_budget_holds_it(
    strategy, options, frame, embedder, tiny_hf
):
    def picks(**more):
        return llmal.select(
            frame,
            3,
            strategy=strategy,
            options=options,
            labels=TOPICS,
            lm=tiny_hf,
            embedder=embedder,
            cache=False,
            **more,
        )

    before = tiny_hf.usage.requests
    foreseen = picks(dry_run=True)
    assert len(foreseen) == 0
    assert foreseen.cost.tokens > 0
    with pytest.raises(LlmalError, match=f"10 tokens does not reach for {strategy}, which can"):
        picks(budget=llmal.Budget(tokens=10))
    assert tiny_hf.usage.requests == before
    done = picks(budget=llmal.Budget(tokens=foreseen.cost.tokens))
    assert 0 < done.cost.tokens <= foreseen.cost.tokens
    assert len(done) == 3
    nothing = llmal.select(frame, 3, embedder=embedder, dry_run=True, budget=llmal.Budget(tokens=0))
    assert nothing.cost.tokens == 0
    assert len(llmal.select(frame, 3, embedder=embedder, budget=llmal.Budget(tokens=0))) == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"k": 25}, "asked for 25 items, but only 24 are unlabelled"),
        ({"strategy": "typicluts"}, "did you mean 'typiclust'"),
        ({"options": {"neighbors": 3}}, "no option 'neighbors'"),
        ({"strategy": "badge"}, "badge learns from labels; give labelled="),
        ({"strategy": "badge", "labelled": {1: "a", 2: "a"}}, "all 2 are 'a'"),
        ({"strategy": "llm_rank"}, "asks a language model; give labels= and lm="),
        ({"strategy": "llm_rank", "labels": ["a", "b"]}, "asks a language model; give lm="),
        ({"lm": "x"}, "a language model is asked about labels"),
        ({"labelled": "topik"}, "labelled names neither a column nor a file: 'topik'"),
        ({"labelled": ["a"]}, "there are 30 rows and 1 values in labelled"),
        ({"labelled": {99: "a"}}, "labelled has the key 99"),
        ({"labelled": {1: "c", 2: "b"}, "labels": ["a", "b"]}, "'c' is not a label"),
        ({"text": "txt"}, "no text column 'txt'"),
        ({"data": [None, ""]}, "no row has a text"),
    ],
)
def test_a_mistake_is_one_sentence(frame, embedder, given, sentence):
    with pytest.raises(LlmalError, match=sentence):
        llmal.select(**{"data": frame, "k": 2, "embedder": embedder, **given})


def test_an_id_that_is_in_no_row_is_named_with_its_line(frame, embedder, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("id,label\n000,a\nnobody,b\n")
    with pytest.raises(LlmalError, match="line 3: there is no item with the id 'nobody'"):
        llmal.select(frame, 2, labelled=file, id="ticket", embedder=embedder)


def test_nothing_of_the_data_is_left_behind(frame, embedder, tmp_path, monkeypatch):
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path))
    llmal.select(frame, 2, embedder=embedder)
    assert not (tmp_path / "pools").exists()
    assert np.array_equal(
        llmal.select(frame, 2, embedder=embedder).indices,
        llmal.select(frame, 2, embedder=embedder).indices,
    )
