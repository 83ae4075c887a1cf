from __future__ import annotations

from pathlib import Path

import pytest

from llmal.config import (
    HubDataset,
    HumanAnnotatorConfig,
    LLMAnnotatorConfig,
    PlateauConfig,
    SimilarityAnnotatorConfig,
    load_config,
    parse_config,
)
from llmal.errors import ConfigError
from llmal.task import Label, Task

TREC = """\
task: {name: trec, text: text, labels: {Number: "a count, date or measure", Location: "", Person: "", Description: "", Entity: "", Abbreviation: ""}, guidelines: "What kind of answer does the question ask for?"}
data: {pool: train.jsonl.gz, test: test.jsonl.gz, gold: label}
objective: model                       # or labels
lm: {backend: vllm, model: path-or-hub-name}      # or url: http://…/v1; or backend: transformers; absent: none
embedder: {model: all-MiniLM-L6-v2}
start: {selector: typiclust, items: 20}
selector: {name: margin}
annotator: [{name: llm, shots: 4}, {name: human, via: gold}]
learner: {name: linear}
budget: {human_labels: 200, money: 5.0, rounds: 10, batch: 20}
stop: [{name: plateau, rounds: 3, tolerance: 0.002}]
directory: runs/trec
seed: 0
"""  # noqa: E501

SMALL = "task: {labels: [good, bad]}\ndata: {pool: train.jsonl.gz}\n"


def _base(tmp_path: Path) -> Path:
    for name in ("train.jsonl.gz", "test.jsonl.gz"):
        (tmp_path / name).touch()
    return tmp_path


def test_configuration_of_the_documents_loads_as_written(tmp_path):
    base = _base(tmp_path)
    (base / "trec.yaml").write_text(TREC, encoding="utf-8")
    config = load_config(base / "trec.yaml")
    assert config.task_object() == Task(
        "trec",
        [Label("Number", "a count, date or measure")]
        + [Label(name) for name in ("Location", "Person", "Description", "Entity", "Abbreviation")],
        "What kind of answer does the question ask for?",
    )
    assert config.data.pool == base / "train.jsonl.gz"
    assert config.data.test == base / "test.jsonl.gz"
    assert (config.data.gold, config.data.id) == ("label", None)
    assert config.objective == "model"
    assert config.lm is not None
    assert (config.lm.backend, config.lm.model, config.lm.url) == ("vllm", "path-or-hub-name", ())
    assert (config.start.selector, config.start.items) == ("typiclust", 20)
    llm, human = config.annotator
    assert isinstance(llm, LLMAnnotatorConfig)
    assert llm.shots == 4
    assert isinstance(human, HumanAnnotatorConfig)
    assert human.via == "gold"
    assert config.budget.model_dump() == {
        "human_labels": 200,
        "money": 5.0,
        "tokens": None,
        "rounds": 10,
        "batch": 20,
    }
    (stop,) = config.stop
    assert isinstance(stop, PlateauConfig)
    assert stop.options == {"rounds": 3, "tolerance": 0.002}
    assert config.directory == base / "runs/trec"


def test_everything_but_task_and_data_has_a_default(tmp_path):
    config = parse_config(SMALL, source="configs/mood.yaml", base=_base(tmp_path))
    assert config.task.name == "mood"
    assert config.task.text == ("text",)
    assert config.directory == tmp_path / "runs/mood"
    assert (config.selector.name, config.learner.name, config.start.selector) == (
        "margin",
        "linear",
        "typiclust",
    )
    assert config.embedder is not None
    assert config.embedder.model == "all-MiniLM-L6-v2"
    assert (config.lm, config.generator, config.ledger, config.stop) == (None, None, None, ())


def test_default_annotator_is_the_language_model_if_there_is_one(tmp_path):
    base = _base(tmp_path)
    (without,) = parse_config(SMALL, base=base).annotator
    (with_lm,) = parse_config(SMALL + "lm: {model: some-model}\n", base=base).annotator
    assert isinstance(without, SimilarityAnnotatorConfig)
    assert isinstance(with_lm, LLMAnnotatorConfig)


EVERYTHING = """\
task:
  name: 7
  text: [title, body]
  labels:
    No:
    1e-3: "on"
    Yes: {description: a truth, words: [yes, 1]}
data: {pool: {hub: ag_news, split: train}, test: hub:ag_news, gold: 1, id: null}
objective: labels
lm:
  url: [http://localhost:8000/v1, http://localhost:8001/v1]
  model: /models/served
  price: {prompt: 1, completion: 2.5}
  api_key_env: SERVER_KEY
  prompt_style: chat
embedder: null
start: {selector: random, items: 5}
selector: {name: entropy, weights: {a: 1e-3, b: .inf}, date: 2024-01-31}
annotator:
- {name: llm, as: judge, normalise: mean, demonstrations: random, rationale: yes}
- {name: human, as: ann, via: gold, cost: 0.1, confusion: {Yes: {Yes: 0.9, No: 0.1}}}
generator: {name: class_conditional, min_words: 3}
stop: {name: agreement_settled, agreement: 0.99}
ledger: sqlite:///my.db
"""


@pytest.mark.parametrize("text", [TREC, SMALL, EVERYTHING])
def test_yaml_that_is_written_reads_back_as_the_same_from_anywhere(tmp_path, text):
    config = parse_config(text, source="a.yaml", base=_base(tmp_path))
    again = parse_config(config.to_yaml(), source="b.yaml", base=Path("/"))
    assert again == config
    assert again.to_yaml() == config.to_yaml()


def test_labels_and_columns_stay_as_they_are_written(tmp_path):
    config = parse_config(EVERYTHING, base=_base(tmp_path))
    assert config.task_object() == Task(
        "7",
        [Label("No"), Label("1e-3", "on"), Label("Yes", "a truth", ("yes", "1"))],
        text=["title", "body"],
    )
    assert config.data.gold == "1"
    human = config.annotator[1]
    assert isinstance(human, HumanAnnotatorConfig)
    assert human.confusion == {"Yes": {"Yes": 0.9, "No": 0.1}}
    listed = "task: {labels: [Yes, No, 10, null, 2024-01-31]}\ndata: {pool: train.jsonl.gz}"
    names = parse_config(listed, base=tmp_path).task_object().names
    assert names == ("Yes", "No", "10", "null", "2024-01-31")


def test_a_number_with_an_exponent_is_a_number(tmp_path):
    text = SMALL + "stop: [{name: plateau, tolerance: 1e-3}]"
    assert parse_config(text, base=_base(tmp_path)).stop[0].options == {"tolerance": 0.001}


def test_further_keys_are_options_of_the_class_behind_the_name(tmp_path):
    text = (
        SMALL
        + "start: {selector: random, items: 3, a: 1}\n"
        + "selector: {name: badge, p: [2], since: 2024-01-31}"
    )
    config = parse_config(text, base=_base(tmp_path))
    assert config.start.options == {"a": 1}
    assert config.selector.options == {"p": [2], "since": "2024-01-31"}
    assert config.learner.options == {}


def test_data_sets_of_the_hub_are_named_explicitly(tmp_path):
    (tmp_path / "mine").mkdir()
    text = "task: {labels: [a, b]}\ndata: {pool: {hub: ./mine, split: all}, test: hub:ag_news}"
    data = parse_config(text, base=tmp_path).data
    assert data.pool == HubDataset(hub=str(tmp_path / "mine"), split="all")
    assert data.test == HubDataset(hub="ag_news", split="test")


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    base = _base(tmp_path / "project")
    (base / "model").mkdir()
    (base / "ask.yaml").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (base / "run.yaml").write_text(
        "task: {labels: [a, b]}\n"
        "data: {pool: ../project/train.jsonl.gz}\n"
        "lm: {backend: transformers, model: model}\n"
        "embedder: {model: ./model}\n"
        "learner: {name: prompt_tuned, model: model}\n"
        "annotator: {name: llm, prompt: ask.yaml}\n"
        "ledger: sqlite:///deep/my.db\n"
    )
    config = load_config("../project/run.yaml")
    assert config.data.pool == base / "train.jsonl.gz"
    assert config.lm is not None
    assert config.lm.model == str(base / "model")
    assert config.embedder is not None
    assert config.embedder.model == str(base / "model")
    assert config.learner.options == {"model": str(base / "model")}
    llm = config.annotator[0]
    assert isinstance(llm, LLMAnnotatorConfig)
    assert llm.prompt == str(base / "ask.yaml")
    assert config.directory == base / "runs/run"
    assert config.ledger == f"sqlite:///{base}/deep/my.db"


def test_names_that_are_no_paths_are_left_alone(tmp_path):
    text = (
        SMALL
        + "lm: {url: http://localhost:8000/v1, model: /models/on/the/server}\n"
        + "embedder: {model: sentence-transformers/all-mpnet-base-v2}\n"
        + "annotator: {name: llm, prompt: classify}\n"
        + "ledger: postgresql+psycopg://someone@host/labels\n"
    )
    config = parse_config(text, base=_base(tmp_path))
    assert config.lm is not None
    assert config.lm.model == "/models/on/the/server"
    assert config.embedder is not None
    assert config.embedder.model == "sentence-transformers/all-mpnet-base-v2"
    llm = config.annotator[0]
    assert isinstance(llm, LLMAnnotatorConfig)
    assert llm.prompt == "classify"
    assert config.ledger == "postgresql+psycopg://someone@host/labels"


def test_a_task_name_makes_one_directory(tmp_path):
    text = 'task: {name: "../a b/c", labels: [x, y]}\ndata: {pool: train.jsonl.gz}'
    assert parse_config(text, base=_base(tmp_path)).directory == tmp_path / "runs/a-b-c"


def test_places_are_known_to_those_who_build_objects(tmp_path):
    config = parse_config(TREC, source="trec.yaml", base=_base(tmp_path))
    assert config.where("selector", "name") == "trec.yaml, line 7, selector.name"
    assert config.where("annotator", 1, "noise") == "trec.yaml, line 8, annotator[1].noise"
    assert config.where("generator") == "trec.yaml, generator"


def test_merge_keys_and_a_byte_order_mark_are_understood(tmp_path):
    text = (
        "\ufefftask: {labels: [a, b]}\ndata: {pool: train.jsonl.gz}\n"
        "annotator:\n"
        "- &people {name: human, via: queue, cost: 1.5}\n"
        "- {<<: *people, as: second}\n"
    )
    first, second = parse_config(text, base=_base(tmp_path)).annotator
    assert isinstance(first, HumanAnnotatorConfig)
    assert second == first.model_copy(update={"ledger_name": "second"})


@pytest.mark.parametrize(
    ("written", "read"),
    [("auto", "auto"), ("off", 0), ("0", 0), ("'off'", 0), ("none", 0), ("30", 30)],
)
def test_a_shortlist_is_read_as_it_is_written(written: str, read: object, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "task: {name: t, labels: [a, b]}\n"
        "data: {pool: pool.csv}\n"
        "lm: {model: some-model}\n"
        f"annotator: [{{name: llm, shortlist: {written}, codes: true, recall: 0.9}}]\n"
    )
    (tmp_path / "pool.csv").write_text("text\nx\n")
    (annotator,) = load_config(path).annotator
    assert (annotator.shortlist, annotator.codes, annotator.recall) == (read, True, 0.9)


@pytest.mark.parametrize("written", ["none", "[]", "null", "[none]"])
def test_calibration_is_switched_off_in_the_file(written: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    (tmp_path / "pool.csv").write_text("text\nx\n")
    base = "task: {name: t, labels: [a, b]}\ndata: {pool: pool.csv}\nlm: {model: some-model}\n"
    path.write_text(f"{base}annotator: [{{name: llm, calibrate: {written}}}]\n")
    (annotator,) = load_config(path).annotator
    assert annotator.calibrate == ()
    path.write_text(f"{base}annotator: [{{name: llm}}]\n")
    (annotator,) = load_config(path).annotator
    assert [one.name for one in annotator.calibrate] == ["auto"]


def test_several_gold_columns_and_several_labels_an_item(tmp_path):
    text = """
task: {name: e, kind: multi, labels: [joy, anger]}
data: {pool: p.csv, gold: [joy, anger]}
annotator: [{name: human, via: gold}]
"""
    (tmp_path / "p.csv").write_text("text,joy,anger\na,1,0\n")
    config = parse_config(text, base=tmp_path)
    assert config.data.gold == ("joy", "anger")
    assert config.task_object().kind == "multi"
    assert config.data.model_dump(mode="json")["gold"] == ["joy", "anger"]


def test_translation_models_are_found_beside_the_configuration(tmp_path):
    base = _base(tmp_path)
    (base / "models" / "there").mkdir(parents=True)
    generator = "generator: {name: back_translation, forward: models/there, backward: org/en-de}\n"
    config = parse_config(f"{SMALL}lm: {{model: org/lm}}\n{generator}", source="a.yaml", base=base)
    there = str(base / "models" / "there")
    assert config.generator.options == {"forward": there, "backward": "org/en-de"}
    assert parse_config(config.to_yaml(), source="b.yaml", base=Path("/")) == config
    with pytest.raises(ConfigError, match=r"a\.yaml, line 4, generator\.forward: there is no file"):
        parse_config(
            f"{SMALL}lm: {{model: org/lm}}\n{generator.replace('models/there', './no')}",
            source="a.yaml",
            base=base,
        )
