from __future__ import annotations

from pathlib import Path

import pytest

from llmal.config import load_config, parse_config
from llmal.errors import ConfigError

SMALL = "task: {labels: [good, bad]}\ndata: {pool: train.jsonl.gz}\n"
"""Two lines: what a test adds begins on line 3."""


def _error(tmp_path: Path, text: str) -> str:
    (tmp_path / "train.jsonl.gz").touch()
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="trec.yaml", base=tmp_path)
    return str(caught.value).replace(str(tmp_path), "BASE")


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (
            "selektor: {name: margin}",
            "trec.yaml, line 3: unknown key 'selektor'; did you mean 'selector'?",
        ),
        (
            "budget:\n  batch: 20\n  humans: 3",
            "trec.yaml, line 5, budget: unknown key 'humans'; did you mean 'human_labels'?",
        ),
        (
            "embedder: {zzz: 3}",
            "trec.yaml, line 3, embedder: unknown key 'zzz'; known are name, model",
        ),
        ("seed: ten", "trec.yaml, line 3, seed: expected a whole number, got 'ten'"),
        ('seed: "10"', "trec.yaml, line 3, seed: expected a whole number, got '10'"),
        ("seed: yes", "trec.yaml, line 3, seed: expected a whole number, got true"),
        ("seed: -1", "trec.yaml, line 3, seed: expected a number of at least 0, got -1"),
        (
            "start: {items: 2.5}",
            "trec.yaml, line 3, start.items: expected a whole number, got 2.5",
        ),
        (
            "budget: {batch: 0}",
            "trec.yaml, line 3, budget.batch: expected a number greater than 0, got 0",
        ),
        (
            "budget: {money: a lot}",
            "trec.yaml, line 3, budget.money: expected a number, got 'a lot'",
        ),
        (
            "budget: {money: .nan}",
            "trec.yaml, line 3, budget.money: expected a finite number, got nan",
        ),
        ("budget:", "trec.yaml, line 3, budget: expected a mapping, got nothing"),
        ("selector: 3", "trec.yaml, line 3, selector: expected a mapping, got 3"),
        ("selector: {tau: 1}", "trec.yaml, line 3, selector: the key 'name' is missing; add it"),
        (
            "objective: modl",
            "trec.yaml, line 3, objective: expected 'model' or 'labels', got 'modl'; "
            "did you mean 'model'?",
        ),
        ("directory: [a]", "trec.yaml, line 3, directory: expected a path, got a list"),
        (
            "directory: train.jsonl.gz",
            "trec.yaml, line 3, directory: 'BASE/train.jsonl.gz' is a file; "
            "name a directory for the run",
        ),
        (
            "ledger: my-password",
            "trec.yaml, line 3, ledger: expected the URL of a database; such as "
            "postgresql+psycopg://user@host/name, or leave it out for SQLite in the run directory",
        ),
    ],
)
def test_wrong_keys_and_types(tmp_path, section, sentence):
    assert _error(tmp_path, SMALL + section) == sentence


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("{}", "lm: 'model' and 'url' are both missing; name the model to use"),
        ("{backend: transformers}", "lm: 'model' is missing; name the model to use"),
        (
            "{backend: vlm, model: m}",
            "lm.backend: expected 'vllm' or 'transformers', got 'vlm'; did you mean 'vllm'?",
        ),
        (
            "{model: ./absent}",
            "lm.model: there is no file or directory 'BASE/absent'; "
            "paths are relative to the configuration file",
        ),
        (
            "{model: models/of/mine}",
            "lm.model: there is no file or directory 'BASE/models/of/mine'; "
            "paths are relative to the configuration file",
        ),
        (
            "{url: localhost}",
            "lm.url: expected an address, got 'localhost'; such as http://localhost:8000/v1",
        ),
        (
            "{url: http://a/v1, dtype: half}",
            "lm.dtype: has no effect with lm.url: the server at that address runs already; "
            "remove it, or remove lm.url to have llmal start a server",
        ),
        (
            "{backend: transformers, model: m, url: http://a/v1}",
            "lm.url: has no effect with the backend 'transformers'; "
            "remove it, or use the backend 'vllm'",
        ),
        (
            "{model: m, api_key_env: KEY}",
            "lm.api_key_env: has no effect without lm.url; remove it",
        ),
        (
            "{url: http://a/v1, api_key_env: sk-secret}",
            "lm.api_key_env: expected the name of an environment variable; "
            "put the key into a variable, and the name of the variable here",
        ),
    ],
)
def test_language_models_that_cannot_be(tmp_path, section, sentence):
    assert _error(tmp_path, f"{SMALL}lm: {section}") == f"trec.yaml, line 3, {sentence}"


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ("[{shots: 4}]", "line 3, annotator[0]: the key 'name' is missing; add it"),
        ("[]", "line 3, annotator: expected at least one entry, got an empty list"),
        ("3", "line 3, annotator: expected a list, got 3"),
        ("lmm", "line 3, annotator: there is no annotator named 'lmm'; did you mean 'llm'?"),
        ("human", "line 3, annotator: the key 'via' is missing; write via: gold or via: queue"),
        (
            "{name: lmm}",
            "line 3, annotator.name: there is no annotator named 'lmm'; did you mean 'llm'?",
        ),
        (
            "\n- {name: similarity}\n- name: human\n  via: que",
            "line 6, annotator[1].via: expected 'gold' or 'queue', got 'que'; "
            "did you mean 'queue'?",
        ),
        (
            "[{name: similarity, shots: 4}]",
            "line 3, annotator[0]: unknown key 'shots'; known are name, as, threshold, temperature",
        ),
        (
            "[{name: human, via: queue, human: 1}]",
            "line 3, annotator[0]: unknown key 'human'; "
            "known are name, as, via, noise, confusion, cost, answers, share, workers, file, "
            "context",
        ),
        (
            "[similarity, {name: human}]",
            "line 3, annotator[1]: the key 'via' is missing; write via: gold or via: queue",
        ),
        (
            "\n- name: human\n  via: gold",
            "line 5, annotator[0].via: there is no gold column to take labels from; "
            "name the column in data.gold, or use via: queue to ask people",
        ),
        (
            "{name: human, via: queue, noise: 0.1}",
            "line 3, annotator.noise: has no effect with via 'queue', where people answer "
            "themselves; remove it",
        ),
        (
            "{name: llm}",
            "line 3, annotator.name: there is no language model to ask; add the section 'lm'",
        ),
        (
            "[{name: recorded, column: a}, {name: recorded, column: b}]",
            "line 3, annotator[1]: annotators 1 and 2 are both recorded as 'recorded'; "
            "give one of them another name with 'as'",
        ),
        (
            "[{name: recorded, column: a, threshold: 0.9}, {name: similarity}]",
            "line 3, annotator[0].threshold: no label would reach it, there is no column with "
            "confidences; name it in 'confidence', or remove the threshold to take every label",
        ),
        (
            "{name: human, via: queue, file: to_label.xls}",
            "line 3, annotator.file: 'to_label.xls' is no file that people can label in; "
            "end it in .csv, .xlsx or .jsonl",
        ),
        (
            "{name: human, via: queue, answers: 3, workers: [anna, ben]}",
            "line 3, annotator.answers: 3 people are to answer, and 2 of them are named; "
            "name as many under workers:, or more",
        ),
        (
            "{name: human, via: queue, workers: [anna, ' ']}",
            "line 3, annotator.workers: a worker has an empty name; say who labels",
        ),
        (
            "{name: human, via: queue, workers: [anna, anna]}",
            "line 3, annotator.workers: two workers are called 'anna'; "
            "give one of them another name",
        ),
        (
            "{name: human, via: queue, share: 0.5}",
            "line 3, annotator.share: a share of the items gets several answers, and one answer "
            "is wanted; say how many with answers:, or remove it",
        ),
        (
            "{name: similarity, threshold: 90}",
            "line 3, annotator.threshold: expected a number of at most 1, got 90",
        ),
    ],
)
def test_annotators_that_cannot_be(tmp_path, entries, sentence):
    assert _error(tmp_path, f"{SMALL}annotator: {entries}") == f"trec.yaml, {sentence}"


def test_confusion_is_over_the_labels_of_the_task_and_sums_to_one(tmp_path):
    text = SMALL.replace("}\n", ", gold: y}\n").replace("], gold: y}", "]}")
    human = "annotator:\n- name: human\n  via: gold\n  confusion:\n    {}"
    assert _error(tmp_path, text + human.format("good: {good: 0.5, bad: 0.4}")) == (
        "trec.yaml, line 7, annotator[0].confusion.good: the probabilities sum to 0.9; "
        "make them sum to 1"
    )
    assert _error(tmp_path, text + human.format("good: {good: 0.5, ugly: 0.5}")) == (
        "trec.yaml, line 7, annotator[0].confusion.good.ugly: 'ugly' is not a label of task "
        "'trec'; its labels are good, bad"
    )


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        (
            "stop: [{name: platau}]",
            "stop[0].name: there is no stopping rule named 'platau'; did you mean 'plateau'?",
        ),
        ("stop: {name: target_accuracy}", "stop: the key 'accuracy' is missing; add it"),
        (
            "stop: [plateau, platau]",
            "stop[1]: there is no stopping rule named 'platau'; did you mean 'plateau'?",
        ),
        (
            "stop: [{name: plateau, accuracy: 1.0}]",
            "stop[0]: unknown key 'accuracy'; known are name, rounds, tolerance",
        ),
        (
            "budget: {human_labels: 10}",
            "budget.human_labels: 10 is smaller than budget.batch, 20; "
            "raise human_labels or lower batch",
        ),
        (
            "budget: {human_labels: 10, batch: 5}\nannotator: {name: human, via: queue}",
            "budget.human_labels: 10 is smaller than start.items, 20 by default; "
            "raise human_labels, or set start.items",
        ),
        (
            "start: {items: 30}\nbudget: {human_labels: 20}\nannotator: {name: human, via: queue}",
            "start.items: 30 is more than budget.human_labels, 20; "
            "lower start.items or raise human_labels",
        ),
        (
            "embedder: null",
            "embedder: the annotator 'similarity' has no embedder to compare texts with; "
            "remove 'embedder: null', or name another annotator",
        ),
        (
            "generator: {name: class_conditional}",
            "generator: there is no language model to write items; add the section 'lm'",
        ),
        (
            "generator: {name: class_conditional, prompt: my.yaml}",
            "generator.prompt: there is no file 'BASE/my.yaml'; "
            "paths are relative to the configuration file",
        ),
        (
            "learner: {name: prompt_tuned, model: ./absent}",
            "learner.model: there is no file or directory 'BASE/absent'; "
            "paths are relative to the configuration file",
        ),
    ],
)
def test_sections_that_do_not_fit_together(tmp_path, sections, sentence):
    assert _error(tmp_path, SMALL + sections) == f"trec.yaml, line 3, {sentence}"


def test_no_labels_by_people_is_a_budget_where_nobody_is_asked(tmp_path):
    (tmp_path / "train.jsonl.gz").touch()
    config = parse_config(SMALL + "budget: {human_labels: 0}", base=tmp_path)
    assert config.budget.human_labels == 0


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        ("{labels: [a]}", "task.labels: task 'trec' has 1 label(s); a task needs at least two"),
        ("{labels: [a, b, a]}", "task.labels: the label 'a' is listed 2 times; keep one of them"),
        (
            "{labels: a}",
            "task.labels: expected a list of labels, or a mapping of labels to descriptions",
        ),
        (
            "{labels: [{a: x}, b]}",
            "task.labels: a list of labels may only hold names; "
            "write a mapping of names to descriptions instead",
        ),
        (
            "{labels: {a: {words: [x]}, b: {words: x}}}",
            "task.labels: labels 'a' and 'b' of task 'trec' share the word 'x', so the language "
            "model could not tell them apart; give each label words of its own",
        ),
        (
            "{labels: {words: {wrods: [x]}, b: }}",
            "task.labels.words: unknown key 'wrods'; did you mean 'words'?",
        ),
        ("{}", "task: the key 'labels' is missing; add it"),
        ("{labels: [a, b], text: []}", "task.text: expected at least one entry, got an empty list"),
    ],
)
def test_tasks_that_cannot_be(tmp_path, task, sentence):
    text = f"data: {{pool: train.jsonl.gz}}\ntask: {task}"
    assert _error(tmp_path, text) == f"trec.yaml, line 2, {sentence}"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            "{pool: train.jsonl}",
            "data.pool: there is no file 'BASE/train.jsonl'; did you mean 'train.jsonl.gz'?",
        ),
        (
            "{pool: elsewhere/x.csv}",
            "data.pool: there is no file 'BASE/elsewhere/x.csv'; "
            "paths are relative to the configuration file",
        ),
        (
            "{pool: .}",
            "data.pool: 'BASE' is a directory, not a file; write {hub: .} if it holds a data set",
        ),
        (
            "{pool: [a]}",
            "data.pool: expected the path of a file or the name of a data set; such as "
            "train.jsonl, hub:ag_news, or {hub: ag_news, split: train}",
        ),
        (
            "{pool: {hub: ag_news, splt: x}}",
            "data.pool: unknown key 'splt'; did you mean 'split'?",
        ),
        ("{test: hub:ag_news}", "data: the key 'pool' is missing; add it"),
    ],
)
def test_data_that_is_not_there(tmp_path, data, sentence):
    text = f"task: {{labels: [a, b]}}\ndata: {data}"
    assert _error(tmp_path, text) == f"trec.yaml, line 2, {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ": there is nothing in it; a configuration needs at least 'task' and 'data'"),
        ("# no\n", ": there is nothing in it; a configuration needs at least 'task' and 'data'"),
        (
            "\n- a",
            ", line 2: expected keys with values, got a list; "
            "a configuration starts with a key, such as 'task:'",
        ),
        (
            "words",
            ", line 1: expected keys with values, got a single value; "
            "a configuration starts with a key, such as 'task:'",
        ),
        (
            SMALL + "seed: 0\nlm: {model: m}\nseed: 1",
            ", line 5: the key 'seed' is written twice, on lines 3 and 5; keep one of them",
        ),
        (
            "task: {labels: {a: x, b: y, a: z}}",
            ", line 1: the key 'a' is written twice, both on this line; keep one of them",
        ),
        (
            SMALL + "\tseed: 1",
            ", line 3, column 1: this is not valid YAML (found character '\\t' that cannot start "
            "any token); indent with spaces, not with tabs",
        ),
        (
            "task:\n  guidelines: Choose: one",
            ", line 2, column 21: this is not valid YAML (mapping values are not allowed here); "
            "put a text that contains ': ' in quotes, and check the indentation",
        ),
        (
            "task: {labels: [a, b}\n",
            ", line 1, column 21: this is not valid YAML (expected ',' or ']', but got '}'); "
            "check the quotes, brackets and indentation around it",
        ),
        (
            "task: 1\nx: !!python/name:os.system ''",
            ", line 2: the tag 'tag:yaml.org,2002:python/"
            "name:os.system' is not known here; remove it",
        ),
        (
            "task: &a {labels: *a}",
            ", line 1: an alias stands inside of what it stands for; write the value out",
        ),
        (
            "task: {{ name }}",
            ", line 1: a list or a mapping stands where a key is expected; "
            "put a text that begins with a bracket in quotes",
        ),
        (
            "task: {name: a}\nseed: !!int ten",
            ", line 2: 'ten' cannot be read as its tag says; remove the tag in front of it",
        ),
        ("task: 1\nx: a\x07b", ", line 2: the character '\\x07' is not allowed in YAML; remove it"),
    ],
)
def test_text_that_is_no_configuration(tmp_path, text, sentence):
    assert _error(tmp_path, text) == f"trec.yaml{sentence}"


def test_missing_sections_have_no_line(tmp_path):
    assert _error(tmp_path, "data: {pool: train.jsonl.gz}") == (
        "trec.yaml: the key 'task' is missing; add it"
    )


def test_all_mistakes_are_told_in_the_order_of_the_file(tmp_path):
    text = "seed: x\nfoo: 1\ntask: {labels: [a, b], knd: 1}\ndata: {pool: a.csv}\nobjective: 1"
    assert _error(tmp_path, text).split("\n") == [
        "trec.yaml, line 1, seed: expected a whole number, got 'x'",
        "trec.yaml, line 2: unknown key 'foo'; known are task, data, objective, phases, lm, "
        "embedder, start, selector, annotator, learner, routing, aggregation, audit, guarantee, "
        "committee, generator, "
        "synthetic, budget, stop, exports, directory, ledger, seed, recipe, extends",
        "trec.yaml, line 3, task: unknown key 'knd'; did you mean 'kind'?",
        "trec.yaml, line 4, data.pool: there is no file 'BASE/a.csv'; "
        "paths are relative to the configuration file",
        "trec.yaml, line 5, objective: expected 'model' or 'labels', got 1",
    ]


def test_a_single_mistake_is_told_in_parts(tmp_path):
    (tmp_path / "train.jsonl.gz").touch()
    with pytest.raises(ConfigError) as caught:
        parse_config(SMALL + "selektor: {}", source="trec.yaml", base=tmp_path)
    assert caught.value.what == "unknown key 'selektor'"
    assert caught.value.where == "trec.yaml, line 3"
    assert caught.value.fix == "did you mean 'selector'?"


def test_files_that_cannot_be_read(tmp_path):
    absent = tmp_path / "absent.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(absent)
    assert str(caught.value) == (
        f"{absent}: there is no such file; give the path of a YAML configuration"
    )
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: this is a directory; give the path of a YAML configuration"
    )
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"seed: 0\ntask: {name: caf\xe9}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(latin)
    assert (
        str(caught.value) == f"{latin}, line 2: the byte 0xe9 is not UTF-8; save the file as UTF-8"
    )
