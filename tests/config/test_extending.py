"""A configuration that extends another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmal.config import RunConfig, load_config, parse_config
from llmal.config.yaml_lines import read
from llmal.errors import ConfigError

OWN = "extends: below.yaml\ntask: {labels: [good, bad]}\ndata: {pool: pool.csv}\n"
"""Three lines: what a test adds begins on line 4."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pool.csv").write_text("text\nfine\n")
    return tmp_path


def _load(folder: Path, own: str, **others: str) -> RunConfig:
    for name, text in {"own": own, **others}.items():
        (folder / f"{name}.yaml").write_text(text)
    return load_config(folder / "own.yaml")


def _error(folder: Path, own: str, **others: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(folder, own, **others)
    return str(caught.value).replace(f"{folder}/", "")


def test_mappings_are_put_together_and_all_else_is_replaced(folder: Path):
    config = _load(
        folder,
        OWN + "budget: {batch: 5}\nselector: {weight: 0.5}\nstop: [{name: plateau}]\nseed: 3\n",
        below="budget: {batch: 32, rounds: 10}\nselector: {name: promptal, per_label: 7}\n"
        "stop: [plateau, {name: target_accuracy, accuracy: 0.9}]\nseed: 1\ncommittee: 4\n",
    )
    assert (config.budget.batch, config.budget.rounds) == (5, 10)
    assert config.selector.options == {"weight": 0.5, "per_label": 7}
    assert [rule.name for rule in config.stop] == ["plateau"]
    assert (config.seed, config.committee) == (3, 4)


def test_another_name_leaves_the_options_of_the_first_behind(folder: Path):
    below = (
        "selector: {name: promptal, weight: 0.5}\nlearner: {name: dynamic_soft_prompt, m: 3}\n"
        "task: {name: below, text: question}\n"
    )
    own = OWN.replace("labels:", "name: own, labels:")
    config = _load(folder, own + "selector: margin\nlearner: {name: linear, C: 2.0}\n", below=below)
    assert (config.selector.name, config.selector.options) == ("margin", {})
    assert (config.learner.name, config.learner.options) == ("linear", {"C": 2.0})
    assert (config.task.name, config.task.text) == ("own", ("question",))


def test_what_is_extended_may_extend_too(folder: Path):
    config = _load(
        folder,
        OWN.replace("pool.csv", "pool.csv, gold: label"),
        below="extends: ./deep.yaml\ncommittee: 4\n",
        deep="extends: promptal\ncommittee: 3\nseed: 8\nlearner: {model: some-model}\n",
    )
    assert (config.committee, config.seed) == (4, 8)
    assert config.selector.name == "promptal"
    assert config.learner.options["heads"] == 4
    assert config.learner.options["model"] == "some-model"


def test_paths_are_relative_to_the_file_that_has_them(folder: Path):
    (folder / "shared" / "model").mkdir(parents=True)
    (folder / "shared" / "test.csv").write_text("text\nfine\n")
    (folder / "shared" / "below.yaml").write_text(
        "data: {pool: elsewhere.csv, test: test.csv}\nlearner: {name: lora, model: model}\n"
        "embedder: {model: a-name}\ndirectory: runs/mine\nledger: sqlite:///kept.sqlite\n"
        "exports: {name: csv, out: out.csv}\n"
    )
    config = _load(folder, OWN.replace("below", "shared/below"))
    shared = folder / "shared"
    assert (config.data.pool, config.data.test) == (folder / "pool.csv", shared / "test.csv")
    assert config.learner.options["model"] == str(shared / "model")
    assert config.embedder is not None
    assert config.embedder.model == "a-name"
    assert config.directory == shared / "runs/mine"
    assert config.ledger == f"sqlite:///{shared / 'kept.sqlite'}"
    assert config.exports[0].out == shared / "out.csv"


def test_a_mistake_is_told_with_the_file_that_has_it(folder: Path):
    own = OWN + "budget: {batch: 0}\n"
    below = "seed: 1\nbudget:\n  batch: 3\n  round: 3\nselektor: margin\n"
    assert _error(folder, own, below=below).splitlines() == [
        "own.yaml, line 4, budget.batch: expected a number greater than 0, got 0",
        "below.yaml, line 4, budget: unknown key 'round'; did you mean 'rounds'?",
        "below.yaml, line 5: unknown key 'selektor'; did you mean 'selector'?",
    ]


def test_a_list_that_was_replaced_leaves_no_line_behind(folder: Path):
    own = OWN + "annotator: {name: human, via: nobody}\n"
    below = "annotator:\n- similarity\n- {name: human, via: gold}\n"
    assert _error(folder, own, below=below) == (
        "own.yaml, line 4, annotator.via: expected 'gold' or 'queue', got 'nobody'"
    )


def test_the_place_of_an_option_is_known_to_those_who_build_by_it(folder: Path):
    config = _load(folder, OWN + "selector: {weight: 0.5}\n", below="selector: {name: promptal}\n")
    assert config.where("selector", "weight") == f"{folder}/own.yaml, line 4, selector.weight"
    assert config.where("selector", "name") == f"{folder}/below.yaml, line 1, selector.name"


@pytest.mark.parametrize(
    ("extends", "sentence"),
    [
        (
            "promptla",
            "there is no recipe named 'promptla'; did you mean 'promptal'?; "
            "a file of yours is named with its ending, promptla.yaml",
        ),
        ("absent.yaml", "there is no file 'absent.yaml'; the path is relative to this file"),
        (
            "[promptal]",
            "expected the name of a recipe or the path of a file; such as promptal, or shared.yaml",
        ),
        ("own.yaml", "the file extends itself (own.yaml -> own.yaml); remove this line"),
    ],
)
def test_what_cannot_be_extended(folder: Path, extends: str, sentence: str):
    own = OWN.replace("below.yaml", extends)
    assert _error(folder, own) == f"own.yaml, line 1, extends: {sentence}"


def test_a_circle_is_told_where_it_closes(folder: Path):
    found = _error(folder, OWN, below="seed: 1\nextends: other.yaml\n", other="extends: own.yaml\n")
    assert found == (
        "other.yaml, line 1, extends: the file extends itself "
        "(own.yaml -> below.yaml -> other.yaml -> own.yaml); remove this line"
    )


def test_a_text_that_is_no_yaml_is_told_with_its_file(folder: Path):
    assert _error(folder, OWN, below="seed: [1\n").startswith("below.yaml, line 2, column 1: this")
    (folder / "below.yaml").write_bytes(b"seed: 0\ndirectory: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"below\.yaml, line 2: the byte 0xe9 is not UTF-8"):
        load_config(folder / "own.yaml")


def test_a_key_that_is_nearly_it_is_suggested(folder: Path):
    assert _error(folder, OWN.replace("extends", "extend")) == (
        "own.yaml, line 1: unknown key 'extend'; did you mean 'extends'?"
    )


def test_the_whole_is_kept_and_reads_back_without_what_was_extended(folder: Path):
    config = _load(folder, OWN, below="recipe: {title: ours, paper: none}\ncommittee: 4\n")
    kept = config.to_yaml()
    assert not {"extends", "recipe"} & set(read(kept, "kept", lambda path: False)[0])
    assert parse_config(kept, base=Path("/")) == config


def test_what_a_file_says_about_itself_is_checked(folder: Path):
    said = "recipe: {title: ours, paper: none, faithfull: [all]}\n"
    assert _error(folder, OWN + said, below="seed: 1\n") == (
        "own.yaml, line 4, recipe: unknown key 'faithfull'; did you mean 'faithful'?"
    )


def test_keys_given_beside_the_file_stand_above_all(folder: Path):
    (folder / "below.yaml").write_text("budget: {batch: 3, rounds: 2}\n")
    (folder / "own.yaml").write_text(OWN)
    config = load_config(folder / "own.yaml", given={"budget": {"batch": 7}})
    assert (config.budget.batch, config.budget.rounds) == (7, 2)
