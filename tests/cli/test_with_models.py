from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmal.learners import DynamicSoftPrompt, LoRA


def _lm(path):
    return {"backend": "transformers", "model": str(path)}


def _rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_plan_counts_the_tokens_of_real_prompts(project, llmal, json_of, tiny_lm_path, tmp_path):
    path = project(
        lm={"backend": "vllm", "model": str(tiny_lm_path), "price": {"prompt": 2.0}},
        annotator=[{"name": "llm", "shots": 2}, {"name": "human", "via": "gold"}],
    )
    result = llmal("plan", path, "--json")
    assert result.exit_code == 0, result.stderr
    plan = json_of(result)
    assert plan["human_labels"] == 18
    assert plan["tokens"] > plan["requests"] * 10
    assert plan["money"] > 0
    assert [one.strip() for one in plan["candidates"]] == ["sport", "food", "weather"]
    shown = llmal("plan", path).stdout
    assert "  | " in shown
    assert "What is the note about?" in shown
    assert not (tmp_path / "run").exists()


def test_run_with_a_model_in_process(project, llmal, json_of, tiny_lm_path, tmp_path):
    path = project(
        lm=_lm(tiny_lm_path),
        annotator=[{"name": "llm", "threshold": 0.6}, {"name": "human", "via": "gold"}],
        budget={"human_labels": 12, "batch": 6, "rounds": 2},
    )
    result = llmal("run", path, "--json")
    assert result.exit_code == 0, result.stderr
    first = json_of(result)
    assert first["cost"]["requests"] >= 18
    figures = json.loads((tmp_path / "run" / "report.json").read_text())
    assert [one["kind"] for one in figures["machines"]] == ["llm"]
    assert json_of(llmal("run", path, "--json"))["cost"] == first["cost"]


def test_run_and_report_with_a_server(project, llmal, json_of, vllm, tmp_path):
    path = project(
        lm={"url": vllm.urls[0]}, annotator={"name": "llm"}, budget={"batch": 6, "rounds": 1}
    )
    result = llmal("run", path, "--json")
    assert result.exit_code == 0, result.stderr
    assert json_of(result)["labelled_by"] == {"llm": 12}
    text = (tmp_path / "run" / "config.yaml").read_text()
    # The report of a run needs no server.
    (tmp_path / "run" / "config.yaml").write_text(text.replace(vllm.urls[0], "http://localhost:1"))
    assert llmal("report", tmp_path / "run").exit_code == 0


def test_generate_marks_what_is_synthetic_and_says_what_was_refused(
    project, llmal, json_of, tiny_lm_path, tmp_path
):
    path = project(
        lm=_lm(tiny_lm_path),
        annotator=[{"name": "human", "via": "gold"}],
        generator={"name": "class_conditional", "agreement": 0.2, "max_words": 20},
    )
    out = tmp_path / "new.jsonl"
    result = llmal(
        *("generate", "--config", path, "-k", "2", "--label", "food", "--out", out, "--json")
    )
    assert result.exit_code == 0, result.stderr
    rows = _rows(out)
    assert rows
    assert all(row["synthetic"] is True and row["label"] == "food" for row in rows)
    accepted = [row for row in rows if row["accepted"]]
    assert json_of(result)["accepted"] == len(accepted)
    assert json_of(result)["written"] == len(rows) <= 8
    for row in rows:
        assert bool(row["refused_by"]) == bool(row["reason"]) == (not row["accepted"])
    assert "the prompts have no demonstrations" in result.stderr


@pytest.mark.slow
def test_generate_keeps_to_the_budget_and_says_before_what_it_can_cost(
    project, llmal, json_of, tiny_lm_path, tmp_path
):
    machine = {"name": "class_conditional", "agreement": 0.2, "max_words": 20}
    path = project(lm=_lm(tiny_lm_path), generator=machine)
    out = tmp_path / "new.jsonl"
    words = ("generate", "--config", path, "-k", "2", "--out", out)
    plan = llmal(*words, "--dry-run", "--json")
    assert plan.exit_code == 0, plan.stderr
    most = json_of(plan)["usage"]["tokens"]
    assert not out.exists()
    budget = {"human_labels": 18, "batch": 6, "tokens": most // 4}
    path = project(lm=_lm(tiny_lm_path), generator=machine, budget=budget)
    result = llmal(*words, "--json")
    assert result.exit_code == 0, result.stderr
    assert 0 < json_of(result)["usage"]["tokens"] <= most // 4
    path = project(lm=_lm(tiny_lm_path), generator=machine, budget={**budget, "tokens": 10})
    refused = llmal("generate", "--config", path, "-k", "2", "--out", tmp_path / "no.jsonl")
    assert refused.exit_code == 1
    assert "the budget of 10 tokens does not reach for one text" in refused.stderr


@pytest.mark.slow
def test_generate_goes_by_a_learner(project, llmal, json_of, tiny_lm_path, tmp_path):
    path = project(lm=_lm(tiny_lm_path))
    assert llmal("run", path, "--quiet").exit_code == 0
    out = tmp_path / "new.jsonl"
    words = ("generate", "--config", path, "-k", "1", "--out", out, "--json")
    guided = (*words, "--generator", "student_guided", "--option", "share=0.1")
    result = llmal(*guided, "--learner", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert {row["generator"] for row in _rows(out)} == {"student_guided"}
    without = llmal(*guided, "--force")
    assert without.exit_code == 1
    assert "student_guided goes by what is hard for a learner" in without.stderr


COMMANDS = {
    "annotate": (),
    "select": ("-k", "2", "--strategy", "margin", "--option", "of=lm"),
    "icl choose": ("--shots", "3", "--strategy", "uncertain"),
    "generate": ("-k", "1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_commands_say_before_what_they_can_cost_and_keep_to_a_budget(
    name, project, llmal, json_of, tiny_lm_path, tmp_path
):
    path = project(
        lm=_lm(tiny_lm_path),
        annotator=[{"name": "llm"}],
        generator={"name": "class_conditional", "agreement": 0.2, "max_words": 20},
    )
    source = "--task" if name in ("select", "icl choose") else "--config"
    out = tmp_path / ("new.yaml" if name == "icl choose" else "new.jsonl")
    words = (*name.split(), source, path, "--out", out, "--quiet", *COMMANDS[name])
    if name in ("select", "icl choose"):
        words += ("--data", tmp_path / "pool.csv")
    plan = llmal(*words, "--dry-run", "--json")
    assert plan.exit_code == 0, plan.stderr
    told = json_of(plan)
    most = told["usage"]["tokens"]
    assert told["dry_run"] is True
    assert most > 0
    assert "; nothing was asked" in llmal(*words, "--dry-run").stdout
    for limit in ("--tokens", "--money"):
        lm = {**_lm(tiny_lm_path), "price": {"prompt": 1e6}}
        project(lm=lm, annotator=[{"name": "llm"}])
        refused = llmal(*words, limit, "5")
        assert refused.exit_code == 1
        assert "the budget of 5" in refused.stderr
        assert "does not reach for" in refused.stderr
        assert not out.exists()
    done = llmal(*words, "--tokens", most, "--json")
    assert done.exit_code == 0, done.stderr
    assert 0 < json_of(done)["usage"]["tokens"] <= most


def test_generate_needs_a_label_of_the_task(project, llmal, tiny_lm_path, tmp_path):
    path = project(lm=_lm(tiny_lm_path))
    result = llmal(
        *("generate", "--config", path, "-k", "2", "--label", "fodo"),
        *("--out", tmp_path / "new.jsonl"),
    )
    assert result.exit_code == 1
    assert "'fodo' is not a label of task 'topics'" in result.stderr


def test_doctor_finds_what_works_and_that_a_server_is_up(llmal, json_of, vllm):
    result = llmal("doctor", "--url", vllm.urls[0], "--json")
    assert result.exit_code == 0, result.stdout
    found = json_of(result)
    assert found["works"] is True
    assert found["backends"] == {
        "transformers": True,
        "vllm": True,
        "server": True,
        "similarity": True,
    }
    assert any("serves tiny-lm" in one["says"] for one in found["checks"])


def test_doctor_says_that_a_server_is_down(llmal):
    result = llmal("doctor", "--url", "http://127.0.0.1:1")
    assert "!!  server: http://127.0.0.1:1/v1: " in result.stdout
    assert result.exit_code == 0


def test_doctor_exits_with_1_where_nothing_can_be_kept(llmal, json_of, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path / "file"))
    result = llmal("doctor", "--json")
    assert result.exit_code == 1
    found = json_of(result)
    assert found["works"] is False
    assert [one["name"] for one in found["checks"] if one["state"] == "bad"] == ["cache"]


@pytest.fixture
def tuned(request, tiny_lm_path: Path, tmp_path: Path) -> tuple[str, Path]:
    """A saved learner that is a language model, and how its fingerprint names it."""
    shape = {"epochs": 1, "device": "cpu", "instruction": "What is the note about?"}
    learner = (
        LoRA(tiny_lm_path, answer="words", **shape)
        if request.param == "lora"
        else DynamicSoftPrompt(tiny_lm_path, m=4, **shape)
    )
    learner.fit(["the team won", "salt the soup", "rain and wind"], ["sport", "food", "weather"])
    learner.save(tmp_path / "tuned")
    return request.param, tmp_path / "tuned"


@pytest.mark.slow
@pytest.mark.parametrize("tuned", ["lora", "soft-prompt"], indirect=True)
def test_a_trained_learner_is_annotator_selector_and_generator(
    project, llmal, json_of, request, tuned, tmp_path
):
    name, folder = tuned
    vllm = request.getfixturevalue("vllm_with_adapters" if name == "lora" else "vllm")
    path = project(
        lm={"url": vllm.urls[0], "learner": folder.name, "model": vllm.model},
        annotator={"name": "llm", "calibrate": "none"},
        selector={"name": "llm_difficulty", "candidates": 12},
        generator={"name": "class_conditional", "agreement": 0.0, "max_words": 20},
        budget={"batch": 6, "rounds": 2},
    )

    result = llmal("run", path, "--json")

    assert result.exit_code == 0, result.stderr
    assert json_of(result)["labelled_by"]["llm"] == 18
    out = tmp_path / "annotations.jsonl"
    assert llmal("export", tmp_path / "run", "--what", "annotations", "--out", out).exit_code == 0
    assert all(f"/{name}-" in json.dumps(row) for row in _rows(out))
    out = tmp_path / "new.jsonl"
    result = llmal("generate", "--config", path, "-k", "1", "--label", "food", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert _rows(out)
    out = tmp_path / "labelled.jsonl"
    result = llmal(
        *("annotate", "--data", tmp_path / "test.csv", "--labels", "sport,food,weather"),
        *("--model", folder, "--url", vllm.urls[0], "--calibrate", "none", "--out", out),
    )
    assert result.exit_code == 0, result.stderr
    assert {row["llmal_label"] for row in _rows(out)} <= {"sport", "food", "weather"}


@pytest.mark.parametrize("tuned", ["lora", "soft-prompt"], indirect=True)
def test_a_plan_counts_the_vectors_of_a_soft_prompt(project, llmal, json_of, tuned, tiny_lm_path):
    name, folder = tuned
    tokens = []
    for lm in ({"model": str(tiny_lm_path)}, {"learner": folder.name}):
        path = project(lm=lm, annotator={"name": "llm", "calibrate": "none"},
                       budget={"batch": 6, "rounds": 1})  # fmt: skip
        result = llmal("plan", path, "--json")
        assert result.exit_code == 0, result.stderr
        plan = json_of(result)
        tokens.append((plan["tokens"], plan["requests"]))

    (plain, asked), (with_learner, again) = tokens
    assert asked == again > 0
    assert with_learner - plain == (0 if name == "lora" else 4 * asked)


def test_a_learner_that_is_no_language_model_is_one_sentence(
    project, llmal, tiny_lm_path, tmp_path
):
    from llmal.learners import LinearHead

    LinearHead().fit([[0.0], [1.0]], ["a", "b"]).save(tmp_path / "linear")
    said = []
    for lm in (
        {"learner": "linear"},
        {"learner": "nowhere"},
        {"learner": "linear", "model": str(tiny_lm_path)},
        {"learner": "linear", "model": str(tiny_lm_path), "backend": "transformers"},
    ):
        result = llmal("plan", project(lm=lm, annotator={"name": "llm"}))
        assert result.exit_code != 0
        said.append(result.stderr)

    assert "a learner 'linear' is no language model" in said[0]
    assert "there is no directory" in said[1]
    assert "the model is the one that it was trained over" in said[2]
    assert "no effect with the backend 'transformers'" in said[3]
