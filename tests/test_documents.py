"""What the documents show works as written."""

from __future__ import annotations

import importlib
import re
import runpy
import shutil
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import llmal
import llmal.functions
from llmal.config import parse_config
from llmal.factory.orchestrator import build

README = Path(__file__).resolve().parent.parent / "README.md"
SELECTING = README.parent / "docs" / "selecting.md"
GUARANTEE = README.parent / "docs" / "guarantee.md"


def test_the_python_of_the_documents(
    tmp_path: Path, shared: Path, tiny_lm_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "test"):
        shutil.copy(shared / "data" / "trec6" / f"{name}.jsonl.gz", tmp_path)
    monkeypatch.chdir(tmp_path)
    task = llmal.Task(
        name="trec",
        labels=["Number", "Location", "Person", "Description", "Entity", "Abbreviation"],
        guidelines="What kind of answer does the question ask for?",
    )
    pool = llmal.Pool.from_file("train.jsonl.gz", text="text", gold="label")
    lm = llmal.lm.TransformersLM(tiny_lm_path)
    scores = lm.score(["Question: Who wrote Emma ?\nAnswer Type:"], [" Person", " Number"])
    assert scores.log_probs.shape == (1, 2)
    assert scores.log_probs.dtype.kind == "f"
    annotations = llmal.annotators.LLMAnnotator(task, lm).annotate(pool[:50])
    assert len(annotations) == 50
    state = llmal.RoundState.from_arrays(
        embeddings=np.random.rand(1000, 16).astype("float32"),  # noqa: NPY002
        probabilities=np.full((1000, 3), 1 / 3),
        labelled=np.array([0, 1]),
        labels=np.array([0, 1]),
    )
    picks = llmal.selectors.TypiClust().select(state, k=20, rng=np.random.default_rng(0))
    assert len(set(picks.indices.tolist())) == 20
    test = llmal.Pool.from_file("test.jsonl.gz", text="text", gold="label")
    # The documents spend 200 labels on the whole pool; the loop is the same on a part of it.
    run = llmal.Orchestrator(
        task,
        pool[:200],
        test=test[:100],
        directory="runs/trec",
        lm=lm,
        selector=llmal.selectors.Margin(),
        learner=llmal.learners.LinearHead(),
        annotator=llmal.annotators.SimulatedHuman(),
        budget=llmal.Budget(human_labels=60, batch=20),
        seed=0,
    )
    result = run.run()
    assert result.accuracy is not None
    assert len(result.annotations) == result.cost.human_labels == 60
    assert llmal.report.write_run(run).is_file()


def test_the_one_calls_of_the_readme(
    tmp_path: Path,
    tiny_lm_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    section = README.read_text(encoding="utf-8").split("## One call")[1].split("\n## ")[0]
    code = re.search(r"(?:^    .*\n|^\n(?=    ))+", section, re.MULTILINE)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    messages = ["The app crashes", "", "I paid twice", "Thank you!", "The app crashes", "Bill?"]
    rows = "".join(f"T{number},{message}\n" for number, message in enumerate(messages))
    Path("tickets.csv").write_text(f"ticket,message\n{rows}", encoding="utf-8")
    # The documents name a model of 270 MB; another that is here does the same in seconds.
    script = textwrap.dedent(code.group()).replace("smollm2-135m-instruct", str(tiny_lm_path))
    names: dict[str, object] = {}
    exec(compile(script, "README.md", "exec"), names)
    assert "The app crashes" in capsys.readouterr().out
    for name in ("result", "again"):
        result = names[name]
        assert isinstance(result, llmal.functions.Annotated)
        assert [row["ticket"] for row in result] == [f"T{number}" for number in range(6)]
        assert [label is None for label in result.labels] == [text == "" for text in messages]
    picks = names["picks"]
    assert isinstance(picks, llmal.functions.Picked)
    assert len(picks.indices) == 3


def test_the_yaml_of_the_readme(tmp_path: Path) -> None:
    text = README.read_text()
    block = re.search(r"^    task: \{name: trec.*?^    seed: 0$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    (tmp_path / "train.jsonl.gz").touch()
    (tmp_path / "test.jsonl.gz").touch()
    config = parse_config(textwrap.dedent(block.group()), base=tmp_path)
    assert config.task_object().names[0] == "Number"
    assert config.directory == tmp_path / "runs" / "trec"


def test_the_yaml_of_the_page_on_guarantees(tmp_path: Path) -> None:
    section = GUARANTEE.read_text(encoding="utf-8").split("## In a run")[1].split("\n## ")[0]
    rows = "review,gpt_label,gpt_sure\ngood one,good,0.9\nbad one,bad,0.8\n"
    (tmp_path / "reviews.csv").write_text(rows, encoding="utf-8")
    with_a_model, recorded = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    for block in (with_a_model, recorded):
        config = parse_config(textwrap.dedent(block), base=tmp_path)
        assert config.guarantee is not None
        assert (config.guarantee.max_error, config.guarantee.confidence) == (0.05, 0.95)
        assert config.objective == "labels"
    assert build(config).run().status == "waiting"


def test_the_example_of_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path))
    runpy.run_path(str(README.parent / "examples" / "one_call.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "promised: of 500 labels 25 at most (5 %) are wrong" in out
    wrong = re.search(r"in truth (\d+) of 500 labels are wrong", out)
    assert wrong is not None
    assert int(wrong.group(1)) <= 25


def test_the_selectors_of_the_documents(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text,label\na wall,a\na stew,b\n", encoding="utf-8")
    text = SELECTING.read_text(encoding="utf-8")
    written = re.findall(
        r"(?:^    .*\n)+", text.split("## In a run")[1].split("## From a file")[0], re.M
    )
    assert len(written) == 3
    for block in written:
        run = "task: {labels: [a, b]}\ndata: {pool: texts.csv, gold: label}\nbudget: {batch: 1}\n"
        run += "annotator: {name: human, via: gold}\n"
        built = build(parse_config(run + textwrap.dedent(block), base=tmp_path))
        assert built.selector.requires <= built.campaign.signals.available


def test_every_strategy_is_in_the_documents() -> None:
    table = SELECTING.read_text(encoding="utf-8").split("## In a run")[0]
    assert set(llmal.selectors.REGISTRY.names()) <= set(re.findall(r"`(\w+)`", table))


def test_every_name_that_the_readme_uses_is_there() -> None:
    for dotted in set(re.findall(r"llmal((?:\.[A-Za-z_]+)+)", README.read_text())):
        thing: object = llmal
        for name in dotted.strip(".").split("."):
            if name in {"run", "plan"}:
                break
            if isinstance(thing, ModuleType) and not hasattr(thing, name):
                importlib.import_module(f"{thing.__name__}.{name}")
            thing = getattr(thing, name)


def test_every_command_that_the_readme_names_is_there() -> None:
    from typer.testing import CliRunner

    from llmal.cli.app import app

    names = set(re.findall(r"`llmal ([a-z]+)", README.read_text()))
    assert {"run", "plan", "annotate", "report", "doctor"} <= names
    for name in names:
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_the_python_of_the_page_on_in_context_learning(
    tmp_path: Path, shared: Path, tiny_lm_path: Path, embedder: llmal.embed.SentenceEmbedder
) -> None:
    from langchain_core.prompts import FewShotPromptTemplate

    from llmal.integrations.langchain import (
        DemonstrationPromptTemplate,
        ExampleSelector,
        few_shot_template,
    )

    labels = ["Number", "Location", "Person", "Description", "Entity", "Abbreviation"]
    task = llmal.Task(name="trec", labels=labels)
    pool = llmal.Pool.from_file(shared / "data" / "trec6" / "train.jsonl.gz", gold="label")
    labelled, items = pool[:40], pool[100:120]
    lm = llmal.lm.TransformersLM(tiny_lm_path, device="cpu")
    clf = llmal.FewShotClassifier(lm, shots=8, demonstrations="allsh", calibrate="contextual")
    texts, truth = [one.text for one in labelled], [one.gold for one in labelled]
    rows = clf.fit(texts, truth).predict_proba([one.text for one in items])
    assert rows.shape == (20, len(set(truth)))

    scorer = llmal.prompting.PromptScorer(
        llmal.prompting.LabellingPrompts(
            task, llmal.prompting.load_prompt("label"), lm, "completion"
        )
    )
    ready = llmal.few_shot.prepare(
        scorer,
        labelled,
        shots=8,
        selector=llmal.demonstrations.Sensitive(scorer, copies=4),
        calibrators=[llmal.calibration.Contextual()],
        rng=np.random.default_rng(0),
    )
    assert len(ready.candidates) == 8
    assert ready.usage.tokens > 0
    assert ready.score(items).probabilities.shape == (20, 6)

    log_probabilities = scorer.score(labelled).scores
    columns = [task.index(one.gold or "") for one in labelled]
    fitted = llmal.calibration.Temperature().fit(log_probabilities, columns)
    llmal.calibration.save(fitted, tmp_path / "temperature.json")
    again = llmal.calibration.load(tmp_path / "temperature.json")
    np.testing.assert_array_equal(
        again.transform(log_probabilities), fitted.transform(log_probabilities)
    )

    choose = ExampleSelector(llmal.demonstrations.Similar(embedder), labelled, 4)
    prompt = FewShotPromptTemplate(
        example_selector=choose,
        example_prompt=DemonstrationPromptTemplate.from_template(
            "Question: {text}\nAnswer Type: {label}"
        ),
        suffix="Question: {text}\nAnswer Type:",
        input_variables=["text"],
    )
    assert prompt.format(text="Who wrote Emma ?").count("Answer Type:") == 5
    chosen = llmal.few_shot.ChosenPrompt.of(ready, strategy="allsh", options={"copies": 4})
    chosen.save(tmp_path / "prompt.yaml")
    template = few_shot_template(llmal.few_shot.ChosenPrompt.load(tmp_path / "prompt.yaml"))
    assert "Who wrote Emma ?" in template.format(text="Who wrote Emma ?")
