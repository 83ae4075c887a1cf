"""`llmal icl choose`, `llmal annotate --prompt` and `llmal icl rank-prompts`."""

from __future__ import annotations

import csv
import json

import pytest
import yaml

from llmal.few_shot import ChosenPrompt

MODEL = ("--backend", "transformers", "--quiet")


@pytest.fixture
def choose(project, llmal, tiny_lm_path, tmp_path):
    """Calls `llmal icl choose` on the labelled file of the job."""

    def call(*words, out="prompt.yaml"):
        task = project()
        options = ("--model", tiny_lm_path, *MODEL, "--out", tmp_path / out)
        return llmal(
            *("icl", "choose", "--task", task, "--data", tmp_path / "pool.csv"), *options, *words
        )

    return call


def test_a_chosen_prompt_labels_a_file(choose, llmal, json_of, tiny_lm_path, tmp_path):
    made = choose("--strategy", "allsh", "--shots", "4", "--calibrate", "contextual", "--json")
    assert made.exit_code == 0, made.stderr
    told = json_of(made)
    assert len(told["demonstrations"]) == 4
    assert told["calibration"] == ["contextual"]
    assert told["usage"]["tokens"] > 0
    content = yaml.safe_load((tmp_path / "prompt.yaml").read_text())
    assert "demonstrations" in content
    chosen = ChosenPrompt.load(tmp_path / "prompt.yaml")
    assert [one.id for one in chosen.demonstrations] == told["demonstrations"]
    out = tmp_path / "labels.jsonl"
    result = llmal(
        *("annotate", "--prompt", tmp_path / "prompt.yaml", "--data", tmp_path / "test.csv"),
        *("--model", tiny_lm_path, *MODEL, "--out", out, "--json"),
    )
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 30
    assert {row["label"] for row in rows} <= {"sport", "food", "weather"}
    assert json_of(result)["items"] == 30


def test_the_same_seed_chooses_the_same_and_asks_nothing_again(choose, json_of):
    first = json_of(choose("--strategy", "uncertain", "--shots", "3", "--json"))
    again = json_of(choose("--strategy", "uncertain", "--shots", "3", "--json", "--force"))
    assert again["demonstrations"] == first["demonstrations"]
    assert again["usage"]["tokens"] == first["usage"]["tokens"]


def test_demonstrations_of_each_query(choose, llmal, tiny_lm_path, tmp_path):
    made = choose("--strategy", "similar", "--shots", "2", "--order", "reversed")
    assert made.exit_code == 0, made.stderr
    assert "2 demonstrations are chosen for each query from 90 candidates" in made.stdout
    out = tmp_path / "labels.csv"
    result = llmal(
        *("annotate", "--prompt", tmp_path / "prompt.yaml", "--data", tmp_path / "test.csv"),
        *("--model", tiny_lm_path, *MODEL, "--out", out),
    )
    assert result.exit_code == 0, result.stderr
    with out.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 30


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--shots", "91"), "91 shots are wanted and there are 90 labelled texts"),
        (("--strategy", "alsh"), "did you mean 'allsh'"),
        (("--calibrate", "contextul"), "did you mean 'contextual'"),
        (("--order", "backwards"), "backwards"),
        (("--option", "copies"), "--option 'copies' is not key=value"),
        (("--option", "copis=3"), "no option 'copis'"),
        (("--option", "copies=0"), "copies is 0"),
        (("--set", "nown=note"), "no value 'nown' to set"),
        (("--normalise", "last"), "there is no way 'last' to compare labels"),
        (("--gold", "lable"), "lable"),
        (("--prompt", "labl"), "labl"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(choose, tmp_path, words, sentence):
    result = choose(*words)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "prompt.yaml").exists()


def test_the_output_is_not_overwritten(choose, tmp_path):
    (tmp_path / "prompt.yaml").write_text("mine")
    result = choose("--shots", "2")
    assert result.exit_code == 1
    assert "the output is there already" in result.stderr
    assert (tmp_path / "prompt.yaml").read_text() == "mine"


def test_a_chosen_prompt_comes_with_its_task(llmal, tmp_path):
    result = llmal(
        *("annotate", "--prompt", tmp_path / "p.yaml", "--labels", "a,b"),
        *("--data", tmp_path / "d.csv", "--model", "m", "--out", tmp_path / "o.csv"),
    )
    assert result.exit_code == 1
    assert "--prompt comes with its task" in result.stderr


def test_prompts_are_ranked(project, llmal, json_of, tiny_lm_path, tmp_path):
    task = project()
    result = llmal(
        *("icl", "rank-prompts", "label", "pattern", "--task", task, "--model", tiny_lm_path),
        *(*MODEL, "--json"),
    )
    assert result.exit_code == 0, result.stderr
    prompts = json_of(result)["prompts"]
    assert len(prompts) == 2
    assert prompts[0]["accuracy"] >= prompts[1]["accuracy"]
    shown = llmal(
        *("icl", "rank-prompts", "label", "pattern", "--task", task, "--model", tiny_lm_path),
        *(*MODEL, "--unlabelled"),
    )
    assert shown.exit_code == 0, shown.stderr
    assert "accuracy" in shown.stdout.splitlines()[0]


def test_one_prompt_is_no_choice(project, llmal, tiny_lm_path):
    result = llmal(
        *("icl", "rank-prompts", "label", "--task", project(), "--model", tiny_lm_path, *MODEL)
    )
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("section", "key", "sentence"),
    [
        ({"demonstrations": "alsh"}, "demonstrations", "did you mean 'allsh'"),
        (
            {"demonstrations": {"name": "allsh", "copis": 3}},
            "demonstrations.copis",
            "no option 'copis'",
        ),
        ({"order": "backwards"}, "order", "there is no 'backwards' among the orders"),
        ({"calibrate": "contextul"}, "calibrate", "did you mean 'contextual'"),
        (
            {"calibrate": ["contextual", {"name": "temperature", "ridg": 1}]},
            "calibrate[1].ridg",
            "its options are ridge",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_told_with_its_place(
    project, llmal, tiny_lm_path, section, key, sentence
):
    path = project(
        lm={"backend": "transformers", "model": str(tiny_lm_path)},
        annotator=[{"name": "llm", "shots": 2, **section}, {"name": "human", "via": "gold"}],
    )
    result = llmal("plan", path)
    assert result.exit_code == 1
    assert f"{path}, line " in result.stderr
    assert f"annotator[0].{key}: " in result.stderr
    assert sentence in result.stderr


@pytest.mark.slow
def test_a_run_with_chosen_demonstrations_and_calibration(
    project, llmal, json_of, tiny_lm_path, tmp_path
):
    machine = {
        "name": "llm",
        "shots": 2,
        "threshold": 0.99,
        "demonstrations": {"name": "allsh", "copies": 2},
        "calibrate": ["batch", "temperature"],
    }
    path = project(
        lm={"backend": "transformers", "model": str(tiny_lm_path)},
        annotator=[machine, {"name": "human", "via": "gold"}],
    )
    first = json_of(llmal("run", path, "--json"))
    figures = json.loads((tmp_path / "run" / "report.json").read_text())
    assert "demonstrations and calibration" in json.dumps(figures)
    assert json_of(llmal("run", path, "--json"))["cost"] == first["cost"]
