from __future__ import annotations

import csv


def _read(path):
    with path.open(encoding="utf-8", newline="") as file:
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
    assert "learns from labels, and there are items of 0 labels" in without.stderr


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
