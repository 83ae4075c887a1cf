"""Names that another installed package adds to the rooms, in a configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from llmal.cli.app import app
from llmal.config import RunConfig, parse_config
from llmal.errors import ConfigError
from llmal.factory.orchestrator import build
from llmal.ledger import Ledger
from llmal.lm import TransformersLM

MODULE = '''
import numpy as np

from llmal.annotators import Context
from llmal.annotators.protocol import plan_at
from llmal.core.plans import BatchPlan
from llmal.calibration import Temperature
from llmal.learners import LinearHead
from llmal.core.records import Annotation, SyntheticItem, Usage
from llmal.selectors import Random


class Keywords:
    """Labels by words."""

    kind = "llm"
    batch_size = 100

    def __init__(self, task, words, *, sure=0.8, seed=0, name="keywords"):
        if not words:
            raise ValueError("there are no words")
        self.task, self.words, self.sure, self.seed, self.name = task, words, sure, seed, name

    def annotate(self, items, context=Context()):
        return [self._answer(item, context) for item in items]

    def _answer(self, item, context):
        hits = [label for word, label in self.words.items() if word in item.text]
        label = (hits or self.task.names)[0]
        other = (1 - self.sure) / (len(self.task.names) - 1)
        probabilities = {n: self.sure if n == label else other for n in self.task.names}
        return Annotation(
            item.id, label, self.name, "llm", probabilities=probabilities, round=context.round
        )

    def plan(self, items, context=Context()):
        return plan_at(Usage(), self.annotate, items, context)


class Needy:
    def __init__(self, task, lm):
        pass


class After:
    """Stops after so many rounds."""

    needs = "labelled"

    def __init__(self, rounds=2):
        self.rounds = rounds

    def reason(self, history):
        return f"after {self.rounds} rounds" if len(history) >= self.rounds else None


class Writer:
    max_tokens = 5

    def __init__(self, task, lm, greeting="hello", name="writer"):
        self.greeting, self.name = greeting, name

    def plan(self, request, k):
        def write():
            return [
                SyntheticItem(
                    f"syn-{request.label}-{n}",
                    f"{self.greeting} {request.label} {n} {n}",
                    request.label,
                    self.name,
                )
                for n in range(k)
            ]

        return BatchPlan(
            write, each=lambda: [Usage()] * k, first=lambda count: self.plan(request, count)
        )


class Polite:
    """Refuses texts without a word."""

    name = "polite"

    def __init__(self, word="please"):
        self.word = word

    def check(self, items):
        return [None if self.word in one.text else f"{self.word} is missing" for one in items]


class Lucky(Random):
    name = "lucky"


class Head(LinearHead):
    pass


class Warm(Temperature):
    pass


class Letters:
    """A vector of how often each of some letters stands in a text."""

    def __init__(self, letters="abcdefghijklmnopqrstuvwxyz", seed=0):
        if not letters:
            raise ValueError("letters are none")
        self.letters, self.dimensions = letters, len(letters)
        self.fingerprint = f"letters-{letters}"

    def embed(self, texts):
        counts = np.array([[text.count(one) + 1e-3 for one in self.letters] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)
'''

ENTRIES = """
[llmal.annotators]
keywords = farmyard:Keywords
needy = farmyard:Needy
human = farmyard:Needy
[llmal.stopping]
after = farmyard:After
[llmal.generators]
writer = farmyard:Writer
[llmal.filters]
polite = farmyard:Polite
[llmal.selectors]
lucky = farmyard:Lucky
[llmal.learners]
head = farmyard:Head
[llmal.embed]
letters = farmyard:Letters
[llmal.calibrators]
warm = farmyard:Warm
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution with plug-ins, as pip would install it."""
    place = tmp_path / "site"
    described = place / "farmyard-1.0.dist-info"
    described.mkdir(parents=True)
    (place / "farmyard.py").write_text(MODULE, encoding="utf-8")
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: farmyard\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(place))
    yield
    sys.modules.pop("farmyard", None)


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[[str], RunConfig]:
    """Reads a configuration of a small pool; what is given begins on line 3."""
    rows = [f"{n},The cow number {n} sleeps,animal" for n in range(12)]
    rows += [f"{n},The soup number {n} is hot,food" for n in range(12, 24)]
    (tmp_path / "pool.csv").write_text("id,text,label\n" + "\n".join(rows) + "\n")
    head = "task: {name: farm, labels: [animal, food]}\ndata: {pool: pool.csv, gold: label}\n"
    return lambda text: parse_config(head + text, source="farm.yaml", base=tmp_path)


def _refusal(do: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        do()
    return str(caught.value)


def test_a_run_of_plug_ins(installed: None, parsed: Callable[[str], RunConfig]) -> None:
    config = parsed(
        "annotator:\n"
        "- {name: keywords, as: words, threshold: 0.7, words: {cow: animal, soup: food}}\n"
        "- {name: human, via: gold}\n"
        "selector: lucky\nstart: {selector: random, items: 4}\nlearner: head\n"
        "stop: [plateau, after]\nbudget: {batch: 4}\n"
    )
    assert parse_config(config.to_yaml(), base=config.directory.parent) == config
    run = build(config)
    result = run.run()
    assert result.reason == "after 2 rounds"
    assert [one.selector for one in result.rounds] == ["random", "lucky"]
    assert {one.annotator for one in result.annotations} == {"words"}
    assert {one.label for one in result.labels.values()} <= {"animal", "food"}
    assert run.router.stages[0].annotator.seed == config.seed  # type: ignore[attr-defined]
    with Ledger.open(run.ledger_url) as ledger:
        assert ledger.events()[0].kind == "plan"


def test_a_generator_and_a_calibrator_of_another_package(
    installed: None, parsed: Callable[[str], RunConfig], tiny_hf: TransformersLM, tiny_lm_path: Path
) -> None:
    config = parsed(
        f"lm: {{backend: transformers, model: {tiny_lm_path}}}\n"
        "annotator: {name: llm, calibrate: warm}\n"
        "generator: {name: writer, per_class: 3, greeting: hi}\n"
    )
    run = build(config, lm=tiny_hf)
    assert run._synthesis is not None
    assert run._synthesis.name == "writer"
    assert run._synthesis.parts[0].greeting == "hi"  # type: ignore[union-attr]
    assert parsed(
        f"lm: {{backend: transformers, model: {tiny_lm_path}}}\ngenerator: writer\n"
    ).generator


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (
            "annotator:\n- name: keywords\n  words: {a: animal}\n  shure: 0.7",
            "line 6, annotator[0].shure: keywords has no option 'shure'; its options are words, "
            "sure",
        ),
        ("annotator: keywords", "line 3, annotator: keywords lacks the option 'words'; give it"),
        (
            "annotator: {name: keywords, words: {}}",
            "line 3, annotator.words: there are no words",
        ),
        ("annotator: needy", "line 3, annotator: needy needs a language model; add lm:"),
        (
            "stop: {name: after, turns: 3}",
            "line 3, stop.turns: after has no option 'turns'; its options are rounds",
        ),
    ],
)
def test_options_are_checked_against_the_class(
    section: str, sentence: str, installed: None, parsed: Callable[[str], RunConfig]
) -> None:
    config = parsed(section)
    assert _refusal(lambda: build(config)) == f"farm.yaml, {sentence}"


def test_a_filter_of_another_package(
    installed: None, parsed: Callable[[str], RunConfig], tiny_hf: TransformersLM, tiny_lm_path: Path
) -> None:
    head = f"lm: {{backend: transformers, model: {tiny_lm_path}}}\nannotator: llm\n"
    config = parsed(head + "generator: {name: writer, filters: [{name: polite, word: thanks}]}\n")
    assert parse_config(config.to_yaml(), base=config.directory.parent) == config
    run = build(config, lm=tiny_hf)
    assert run._synthesis is not None
    (polite,) = run._synthesis.parts[1:]
    assert polite.word == "thanks"  # type: ignore[union-attr]
    refused = parsed(head + "generator: {name: writer, filters: [polite, {name: polite, wrd: x}]}")
    assert _refusal(lambda: build(refused, lm=tiny_hf)) == (
        "farm.yaml, line 5, generator.filters[1].wrd: polite has no option 'wrd'; its options are "
        "word"
    )


def test_an_embedder_of_another_package(
    installed: None, parsed: Callable[[str], RunConfig], tmp_path: Path
) -> None:
    section = "annotator: {name: human, via: gold}\nbudget: {batch: 4, rounds: 1}\n"
    config = parsed(section + "embedder: {name: letters, letters: cowsup}\n")
    assert parse_config(config.to_yaml(), base=config.directory.parent) == config
    run = build(config)
    assert run.embedder is not None
    assert run.embedder.fingerprint == "letters-cowsup"
    assert run.run().status == "finished"
    assert np.load(config.directory / "embeddings.npy").shape == (24, 6)
    (config.directory / "config.yaml").write_text(config.to_yaml())
    out = tmp_path / "out.jsonl"
    words = ["predict", str(config.directory), "--data", str(tmp_path / "pool.csv"), "--out"]
    done = CliRunner().invoke(app, [*words, str(out)])
    assert done.exit_code == 0, done.output
    assert len(out.read_text().splitlines()) == 24
    assert build(parsed(section + "embedder: letters\n")).embedder is not None
    refused = parsed(section + "embedder: {name: letters, lettres: abc}\n")
    assert _refusal(lambda: build(refused)) == (
        "farm.yaml, line 5, embedder.lettres: letters has no option 'lettres'; its options are "
        "letters"
    )
    assert "did you mean 'letters'?" in _refusal(lambda: parsed("embedder: lettrs"))


def test_what_a_plug_in_is_called_is_suggested(
    installed: None, parsed: Callable[[str], RunConfig]
) -> None:
    assert _refusal(lambda: parsed("annotator: {name: keyword}")) == (
        "farm.yaml, line 3, annotator.name: there is no annotator named 'keyword'; did you mean "
        "'keywords'?"
    )
    assert _refusal(lambda: parsed("stop: aftr")).endswith("did you mean 'after'?")


def test_a_plug_in_takes_no_name_of_ours(
    installed: None, parsed: Callable[[str], RunConfig]
) -> None:
    assert "via" in _refusal(lambda: parsed("annotator: {name: human}"))


@pytest.mark.parametrize(
    "section",
    [
        "annotator: similarity",
        "annotator: [similarity, {name: human, via: gold}]",
        "selector: random",
        "learner: linear",
        "stop: plateau",
        "stop: [plateau, entropy_settled, {name: target_accuracy, accuracy: 0.9}]",
        "start: {selector: random}",
    ],
)
def test_a_bare_name_is_taken_wherever_a_mapping_with_a_name_is(
    section: str, parsed: Callable[[str], RunConfig]
) -> None:
    config = parsed(section)
    build(config)
    assert parse_config(config.to_yaml(), base=config.directory.parent) == config
