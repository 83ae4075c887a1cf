from __future__ import annotations

import csv

import pytest
import yaml


def _read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_picks_come_with_scores_and_reasons(project, llmal, json_of, tmp_path):
    project()
    out = tmp_path / "picks.csv"
    result = llmal("select", "--data", tmp_path / "pool.csv", "-k", "5", "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    picks = _read(out)
    assert [row["rank"] for row in picks] == ["1", "2", "3", "4", "5"]
    assert [row["id"] for row in picks] == json_of(result)["ids"]
    assert len({row["id"] for row in picks}) == 5
    assert all("most typical of cluster" in row["why"] and row["text"] for row in picks)


def test_a_seed_fixes_the_picks(project, llmal, json_of, tmp_path):
    project()
    words = ("select", "--data", tmp_path / "pool.csv", "--strategy", "random", "-k", "10")

    def ids(seed, name):
        out = tmp_path / name
        return json_of(llmal(*words, "--seed", seed, "--out", out, "--json"))["ids"]

    assert ids(1, "a.csv") == ids(1, "b.csv")
    assert ids(1, "c.csv") != ids(2, "d.csv")


def test_uncertainty_learns_from_labels_and_leaves_them_out(project, llmal, tmp_path):
    project()
    labelled = {row["id"]: row["label"] for row in _read(tmp_path / "pool.csv")[:30]}
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n" + "".join(f"{i},{one}\n" for i, one in labelled.items()))
    words = ("select", "--data", tmp_path / "pool.csv", "--strategy", "margin", "-k", "8")
    out = tmp_path / "picks.csv"
    result = llmal(*words, "--labels", labels, "--out", out)
    assert result.exit_code == 0, result.stderr
    picks = _read(out)
    assert not {row["id"] for row in picks} & labelled.keys()
    scores = [float(row["score"]) for row in picks]
    assert scores == sorted(scores, reverse=True)

    without = llmal(*words, "--out", tmp_path / "more.csv")
    assert without.exit_code == 1
    assert "error: margin learns from labels; give --labels\n" in without.stderr


def test_a_label_of_an_unknown_item_is_named_with_its_line(project, llmal, tmp_path):
    project()
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\np0,sport\np1,food\nnobody,food\n")
    result = llmal(
        *("select", "--data", tmp_path / "pool.csv", "--strategy", "margin", "-k", "8"),
        *("--labels", labels, "--out", tmp_path / "picks.csv"),
    )
    assert result.exit_code == 1
    assert f"error: {labels}, line 4: there is no item with the id 'nobody'" in result.stderr


def test_an_unknown_strategy_is_named_with_a_near_one(project, llmal, tmp_path):
    project()
    result = llmal(
        *("select", "--data", tmp_path / "pool.csv", "--strategy", "typicluts", "-k", "8"),
        *("--out", tmp_path / "picks.csv"),
    )
    assert result.exit_code == 1
    assert "did you mean 'typiclust'?" in result.stderr


@pytest.fixture
def choose(project, llmal, tmp_path):
    """Calls `llmal select` on a pool of 90 items, 30 of them labelled in labels.csv."""
    project()
    labelled = _read(tmp_path / "pool.csv")[:30]
    content = "".join(f"{row['id']},{row['label']}\n" for row in labelled)
    (tmp_path / "labels.csv").write_text("id,label\n" + content)

    def call(*words, labels=True, out="picks.csv", k="8"):
        given = ("--labels", tmp_path / "labels.csv") if labels else ()
        return llmal(
            *("select", "--data", tmp_path / "pool.csv", "-k", k, "--out", tmp_path / out),
            *given,
            *words,
        )

    return call


@pytest.fixture
def model(project, tiny_lm_path):
    """A task and a small language model for it."""
    return (
        *("--task", project(), "--model", tiny_lm_path),
        *("--backend", "transformers", "--quiet"),
    )


STRATEGIES = {
    "badge": (),
    "bald": (),
    "cal": (),
    "coreset": (),
    "dropquery": (),
    "cost_aware": ("selector=margin", "price_per_word=0.5"),
    "diverse": ("selector={name: entropy}", "factor=3"),
    "mixture": ("selectors=[random, margin]", "weights=[1, 3]"),
}
"""One or more for each kind of signal, with options of every form."""


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_over_every_signal_of_the_learner(choose, json_of, tmp_path, strategy):
    options = [word for one in STRATEGIES[strategy] for word in ("--option", one)]
    result = choose("--strategy", strategy, *options, "--json")
    assert result.exit_code == 0, result.stderr
    told = json_of(result)
    labelled = {row["id"] for row in _read(tmp_path / "labels.csv")}
    assert len(set(told["ids"]) - labelled) == 8
    assert (told["pool"], told["labelled"]) == (90, 30)
    assert "usage" not in told
    picks = _read(tmp_path / "picks.csv")
    scores = [float(row["score"]) for row in picks]
    assert scores == sorted(scores, reverse=True)
    assert all(row["why"] for row in picks)


@pytest.mark.parametrize(
    ("strategy", "options", "requests"),
    [
        ("margin", ("of=lm",), 90),
        ("perplexity", ("selector=random", "keep=0.5"), 90),
        ("llm_difficulty", ("candidates=20",), 20),
    ],
)
def test_strategies_that_ask_a_language_model_say_what_it_cost(
    choose, model, json_of, tmp_path, strategy, options, requests
):
    words = [word for one in options for word in ("--option", one)]
    first = choose("--strategy", strategy, *words, *model, "--json", labels=False)
    assert first.exit_code == 0, first.stderr
    told = json_of(first)
    assert told["usage"]["requests"] >= requests
    assert told["usage"]["tokens"] > requests
    assert len(set(told["ids"])) == 8
    again = json_of(
        choose("--strategy", strategy, *words, *model, "--json", "--force", labels=False)
    )
    assert again["ids"] == told["ids"]
    assert again["usage"]["tokens"] == told["usage"]["tokens"]
    shown = choose("--strategy", strategy, *words, *model, "--force", labels=False)
    assert f"cost: {told['usage']['tokens']:,} tokens" in shown.stdout


def test_a_model_is_not_started_where_it_is_not_asked(choose, project, tmp_path):
    (tmp_path / "no-model").mkdir()
    words = ("--task", project(), "--model", tmp_path / "no-model")
    result = choose("--strategy", "margin", *words, "--backend", "transformers")
    assert result.exit_code == 0, result.stderr


def test_the_task_gives_text_columns_and_labels(choose, project, tmp_path):
    path = project()
    content = yaml.safe_load(path.read_text())
    content["task"]["labels"] = ["sport", "food"]
    content["task"]["text"] = ["note"]
    path.write_text(yaml.safe_dump(content))
    pool = tmp_path / "pool.csv"
    pool.write_text(pool.read_text().replace("id,text,label", "id,note,label"))
    refused = choose("--task", path, "--strategy", "margin")
    assert refused.exit_code == 1
    assert (
        f"error: {tmp_path / 'labels.csv'}, line 4: 'weather' is not a label of task 'topics'; "
        "its labels are sport, food\n"
    ) in refused.stderr
    other = choose("--task", path, "--text", "text")
    assert "--text names text, and the task reads note; leave out --text" in other.stderr
    assert choose("--task", path, "--strategy", "kmeans", labels=False).exit_code == 0
    assert _read(tmp_path / "picks.csv")[0]["note"]


def test_a_switch_needs_only_what_the_strategy_needs_whose_turn_it_is(choose):
    words = ("first=typiclust", "then=margin", "labels=10")
    options = [word for one in words for word in ("--option", one)]
    cold = choose("--strategy", "switch", *options, labels=False)
    assert cold.exit_code == 0, cold.stderr
    warm = choose("--strategy", "switch", *options, out="warm.csv")
    assert warm.exit_code == 0, warm.stderr


@pytest.mark.parametrize("strategy", ["typiclust", "margin", "badge"])
def test_texts_that_are_all_the_same(llmal, tmp_path, strategy):
    pool, labels = tmp_path / "pool.csv", tmp_path / "labels.csv"
    pool.write_text("id,text\n" + "".join(f"i{n},the same note\n" for n in range(20)))
    labels.write_text("id,label\ni0,a\ni1,b\n")
    out = tmp_path / "picks.csv"
    result = llmal(
        *("select", "--data", pool, "--strategy", strategy, "-k", "5", "--out", out),
        *("--labels", labels),
    )
    assert result.exit_code == 0, result.stderr
    assert len({row["id"] for row in _read(out)} - {"i0", "i1"}) == 5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--strategy", "margni"), "there is no 'margni' among the selectors; did you mean"),
        (("--option", "neighbors=3"), "typiclust has no option 'neighbors'; its options are max_"),
        (("--option", "neighbours=2.5"), "typiclust: neighbours is 2.5; give a whole number"),
        (("--option", "neighbours=ten"), "typiclust: neighbours is 'ten'; give a whole number"),
        (("--option", "neighbours=0"), "typiclust: neighbours is 0; at least 1"),
        (("--option", "neighbours"), "--option 'neighbours' is not key=value"),
        (("--strategy", "margin", "--option", "of=llm"), "margin: of is 'llm'; give 'learner' or"),
        (("--strategy", "diverse"), "diverse lacks the option 'selector'"),
        (
            ("--strategy", "diverse", "--option", "selector={name: margni}"),
            "there is no 'margni' among the selectors",
        ),
        (("-k", "91"), "asked for 91 items, but only 90 are unlabelled"),
        (("--strategy", "badge"), "badge learns from labels; give --labels"),
        (("--strategy", "dal"), "dal learns from labels; give --labels"),
        (
            ("--strategy", "llm_batch"),
            "llm_batch asks a language model; give --task, and --model or --url",
        ),
        (
            ("--strategy", "cost_aware", "--option", "selector={name: margin, of: lm}"),
            "cost_aware weighs what labels cost",
        ),
        (("--model", "m"), "a language model is asked about a task, and there is none; give"),
        (("--labels", "nowhere.csv"), "nowhere.csv: there is no such file; check --labels"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(choose, tmp_path, words, sentence):
    result = choose(*words, labels=False)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "picks.csv").exists()


def test_a_task_without_a_model_is_not_enough_to_ask_one(choose, project):
    task = project()
    result = choose("--strategy", "llm_rank", "--task", task)
    assert result.stderr == (
        "error: llm_rank asks a language model; "
        f"give --model or --url, or add the section 'lm' to {task}\n"
    )


def test_labels_of_one_kind_teach_nothing(choose, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\np0,sport\np3,sport\n")
    result = choose("--strategy", "badge")
    assert result.stderr == (
        f"error: {labels}: badge learns from labels, and all 2 are 'sport'; "
        "give --labels with two labels or more, or use random, kmeans or typiclust\n"
    )
    assert choose("--strategy", "dal").exit_code == 0


def test_files_as_spreadsheets_save_them(llmal, json_of, tmp_path):
    rows = [("id", "text"), ("007", "Grüße"), ("8", "Käse; und Brot"), ("9", "Öl")]
    text = "".join(f'{id};"{text}"\n' for id, text in rows)
    (tmp_path / "p.csv").write_bytes(text.encode("cp1252"))
    (tmp_path / "l.csv").write_bytes("id;label\n'007;grün\n".encode("cp1252"))
    words = ("select", "--data", tmp_path / "p.csv", "--strategy", "random", "-k", "2")
    more = ("--labels", tmp_path / "l.csv", "--out", tmp_path / "o.jsonl", "--json")
    result = llmal(*words, *more)
    assert result.exit_code == 1
    assert "line 2: byte 0xfc is not valid UTF-8; name the encoding" in result.stderr
    result = llmal(*words, *more, "--encoding", "cp1252")
    assert result.exit_code == 0, result.stderr
    assert sorted(json_of(result)["ids"]) == ["8", "9"]
    (tmp_path / "l.csv").write_bytes("id;label\n8;rot\n7;grün\n".encode("cp1252"))
    result = llmal(*words, *more, "--encoding", "cp1252", "--force")
    assert f"error: {tmp_path / 'l.csv'}, line 3: there is no item with the id '7'" in result.stderr
    assert "did you mean '007'?" in result.stderr
