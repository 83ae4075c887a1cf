"""The file of a chosen prompt gives back what was written, and says what is wrong with it."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from llmal.calibration import make
from llmal.core.records import Item, Usage
from llmal.demonstrations import Fixed, make_selector
from llmal.errors import ConfigError, DataError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.few_shot.preparation import prepare
from llmal.lm import TransformersLM
from llmal.pool import Pool
from llmal.prompting import load_prompt
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import parse_prompt
from llmal.task import Label, Task

NASTY = [
    "",
    " leading",
    "trailing ",
    "\n\nblank lines first",
    "blank lines last\n\n",
    "two\nlines: with colons\n- and dashes\n# and more",
    "  indented\n    more\n",
    "line one \nline two",
    "tab\there\n\tand there",
    "null",
    "yes",
    "No",
    "~",
    "10",
    "1e5",
    "0x1F",
    "2001-01-01",
    "=",
    "<<",
    "'single' and \"double\" \\ back",
    "{{ item.text }} {% raw %} {x} &a *b !c %d @e `f",
    "---",
    "...\n---\n",
    "é ß 漢字 😀 \u200b\u0301",
    "\ufeffmark",
    "a\x85b\u2028c\u2029d\r\ne\rf",
    "\x00\x07\x1b\x7f\ufffe\U0010ffff",
    "\ud800",
    "word " * 5000,
    "x" * 100_000,
]


def _task(**options: Any) -> Task:
    labels = [
        Label("No", "yes: it # is"),
        Label("null", "a\nb", ("x: y", "true")),
        Label("10"),
    ]
    return Task("t", labels, guidelines=" What: is\n  asked?\n\n", **options)


def _chosen(**options: Any) -> ChosenPrompt:
    given: dict[str, Any] = {
        "task": _task(),
        "template": load_prompt("label"),
        "style": "completion",
        "demonstrations": (Item("a", "Who ?", gold="No"), Item("b", "Where ?", gold="10")),
        "shots": 2,
    }
    return ChosenPrompt(**{**given, **options})


def _back(chosen: ChosenPrompt, folder: Path) -> ChosenPrompt:
    chosen.save(folder / "chosen.yaml")
    return ChosenPrompt.load(folder / "chosen.yaml")


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_every_text_comes_back(text: str, tmp_path: Path):
    chosen = _chosen(
        template=load_prompt("label").with_values({"noun": text}),
        task=_with_guidelines(text),
        options={"note": text, "notes": [text, 1, None]},
        strategy="balanced",
        demonstrations=(
            Item(f"id {text[:50]}", text, {}, "null"),
            Item("b", text, {"text": text}, "10"),
            Item("c", text, {"text": "other", "column": text}, "No"),
        ),
        shots=3,
    )
    assert _back(chosen, tmp_path) == chosen


def _with_guidelines(text: str) -> Task:
    task = _task()
    return Task(task.name, task.labels, text)


def test_texts_of_many_odd_parts_come_back(tmp_path: Path):
    draw = random.Random(0)
    parts = [*NASTY[:-2], *"\n\n  :-#'\"|>", "a", "b"]
    for _ in range(30):
        items = tuple(
            Item(f"i{n}", "".join(draw.choices(parts, k=draw.randint(0, 8))), gold="10")
            for n in range(8)
        )
        chosen = _chosen(demonstrations=items, shots=8)
        assert _back(chosen, tmp_path) == chosen


def test_everything_comes_back(tmp_path: Path):
    rng = np.random.default_rng(0)
    scores = np.log(rng.dirichlet([1, 2, 3], size=50))
    calibrator = make("batch").fit(scores)
    chosen = _chosen(
        style="chat",
        normalise="mean",
        strategy="allsh",
        options={
            "copies": 4,
            "divergence": "kl",
            "alpha": 1e-7,
            "balance": True,
            "nested": {"a": []},
        },
        shots=4,
        seed=2**63 - 1,
        model="vllm-0.32/model@1234/float32",
        order="alternating",
        calibration=calibrator.to_dict(),
        cost=Usage(3, 400, 5, 6, 0.1 + 0.2, 1e-9, 7),
    )
    back = _back(chosen, tmp_path)
    assert back == chosen
    assert back.fingerprint == chosen.fingerprint
    assert back.as_dict() == chosen.as_dict()
    again = back.calibrator()
    assert again is not None
    assert np.array_equal(again.transform(scores), calibrator.transform(scores))


def test_candidates_come_back_in_their_order(tmp_path: Path):
    candidates = tuple(Item(str(n), f"text {n}", {"text": f"text {n}"}, "10") for n in range(300))
    chosen = _chosen(demonstrations=(), candidates=candidates[::-1], strategy="similar", shots=4)
    back = _back(chosen, tmp_path)
    assert back == chosen
    assert back.per_query


def test_pairs_come_back(tmp_path: Path):
    task = Task("rte", ["true", "false"], text=("premise", "hypothesis"))
    fields = {"premise": "A\nb: c", "hypothesis": "null"}
    item = Item("1", "\n".join(fields.values()), fields, "true")
    chosen = _chosen(task=task, demonstrations=(item,), shots=1)
    assert _back(chosen, tmp_path) == chosen
    assert "text: " not in (tmp_path / "chosen.yaml").read_text().split("demonstrations:")[1]


def test_several_lines_stand_in_the_file_as_lines(tmp_path: Path):
    _chosen(demonstrations=(Item("a", "one: two\n  three\nfour", gold="No"),), shots=1).save(
        tmp_path / "chosen.yaml"
    )
    written = (tmp_path / "chosen.yaml").read_text()
    assert "  text: |-\n    one: two\n      three\n    four\n" in written
    assert "  completion: |\n    Classify the {{ noun }}" in written


def test_what_only_the_pool_knows_is_left_out_unless_the_prompt_shows_it(tmp_path: Path):
    item = Item("a", "Who ?", gold="No", extra={"page": 3, "title": "x"})
    assert _chosen(demonstrations=(item,), shots=1).demonstrations[0].extra == {}
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nversion: 1\ninputs: [item]\n"
        "completion: '{{ item.extra.title }} {{ item.text }}'\n"
    )
    chosen = _chosen(template=load_prompt(file), demonstrations=(item,), shots=1)
    assert _back(chosen, tmp_path).demonstrations == (item,)


def test_the_template_is_in_the_file(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nversion: 3\ninputs: [item]\ncompletion: 'Say: {{ item.text }}'\n")
    chosen = _chosen(template=load_prompt(file))
    chosen.save(tmp_path / "chosen.yaml")
    file.unlink()
    back = ChosenPrompt.load(tmp_path / "chosen.yaml")
    assert back.template.render("completion", item=Item("x", "Why ?")) == "Say: Why ?"
    assert back.template.key == chosen.template.key


def test_a_wording_that_was_changed_by_hand_has_another_key(tmp_path: Path):
    chosen = _chosen()
    chosen.save(tmp_path / "chosen.yaml")
    text = (tmp_path / "chosen.yaml").read_text()
    (tmp_path / "chosen.yaml").write_text(text.replace("Classify the", "Sort the"))
    back = ChosenPrompt.load(tmp_path / "chosen.yaml")
    assert back.template.key != chosen.template.key
    assert back.fingerprint != chosen.fingerprint


def test_a_file_may_be_written_by_hand(tmp_path: Path):
    template = yaml.safe_dump(load_prompt("label").as_dict(), sort_keys=False)
    indented = "".join(f"  {line}\n" for line in template.splitlines())
    (tmp_path / "chosen.yaml").write_text(
        "llmal_prompt: 1\n"
        "style: completion\n"
        "task: {name: t, labels: {No: , 10: a number}}\n"
        f"prompt:\n{indented}"
        "demonstrations:\n"
        "- {id: 1, text: 2001-01-01, label: No}\n"
        "- {id: 2, text: yes, label: 10}\n"
    )
    back = ChosenPrompt.load(tmp_path / "chosen.yaml")
    assert back.demonstrations == (
        Item("1", "2001-01-01", gold="No"),
        Item("2", "yes", gold="10"),
    )
    assert back.task.names == ("No", "10")
    assert back.shots == 2


def _edited(folder: Path, change: Any, chosen: ChosenPrompt | None = None) -> Path:
    (chosen or _chosen()).save(folder / "chosen.yaml")
    data = yaml.safe_load((folder / "chosen.yaml").read_text())
    change(data)
    (folder / "edited.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    return folder / "edited.yaml"


def _set(*path: Any, to: Any) -> Any:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = to

    return change


def _drop(*path: Any) -> Any:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (_set("llmal_prompt", to=2), "llmal_prompt", "version 2 of the file is not known"),
        (_set("llmal_prompt", to="x"), "llmal_prompt", "expected a whole number, got 'x'"),
        (_set("shots", to=True), "shots", "expected a whole number, got True"),
        (_set("shots", to=1), "", "shots is 1 with 2 demonstrations"),
        (_set("styel", to="chat"), "", "unknown key 'styel'; did you mean 'style'?"),
        (_set("style", to="poem"), "style", "expected 'chat' or 'completion', got 'poem'"),
        (_drop("style"), "", "the key 'style' is missing"),
        (_drop("task"), "", "the key 'task' is missing"),
        (_set("task", to=3), "task", "expected a mapping, got 3"),
        (_set("task", "labels", to={"a": ""}), "task.labels", "has 1 label(s)"),
        (_set("task", "label", to={}), "task", "unknown key 'label'; did you mean 'labels'?"),
        (_set("prompt", to=None), "prompt", "expected a mapping, got nothing"),
        (_set("prompt", "completion", to="{% if"), "prompt", "not valid Jinja"),
        (_drop("prompt", "completion"), "", "has no completion form"),
        (_drop("prompt", "version"), "prompt", "needs a name and a version"),
        (_set("demonstrations", to="x"), "demonstrations", "expected a list, got 'x'"),
        (_set("demonstrations", 1, to="x"), "demonstrations[1]", "expected a mapping, got 'x'"),
        (_drop("demonstrations", 1, "text"), "demonstrations[1]", "the key 'text' is missing"),
        (_drop("demonstrations", 0, "label"), "demonstrations[0]", "the key 'label' is missing"),
        (_drop("demonstrations", 0, "id"), "demonstrations[0]", "the key 'id' is missing"),
        (
            _set("demonstrations", 1, "label", to="Maybe"),
            "demonstrations[1].label",
            "'Maybe' is not a label of task 't'",
        ),
        (
            _set("demonstrations", 1, "id", to="a"),
            "demonstrations[1].id",
            "the demonstration 'a' occurs twice",
        ),
        (
            _set("demonstrations", 1, "fields", to={"title": "x"}),
            "demonstrations[1].label",
            "has no text column 'text'",
        ),
        (_set("calibration", to={"calibrator": "magic"}), "calibration", "calibrator"),
        (_set("cost", to={"dollars": 3}), "cost", "unknown key 'dollars'"),
        (_set("cost", to={"money": "3 dollars"}), "cost.money", "expected a number"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_line_and_key(
    change: Any, place: str, what: str, tmp_path: Path
):
    file = _edited(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        ChosenPrompt.load(file)
    said = str(caught.value)
    assert said.startswith(str(file))
    assert what in said
    assert "\n" not in said
    if place:
        line = next(int(part[5:]) for part in said.split(", ") if part.startswith("line "))
        key = place.split(".")[-1].split("[")[0]
        assert place in said
        if "missing" not in what and "unknown key" not in what and "[" not in place:
            assert file.read_text().splitlines()[line - 1].strip().startswith(f"{key}:")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "this is not a chosen prompt of llmal"),
        ("- a\n- b\n", "this is not a chosen prompt of llmal"),
        ("task: {labels: [a, b]}\n", "this is not a chosen prompt of llmal"),
        ("name: x\nversion: 1\ncompletion: hello\n", "this is a prompt template"),
        ("llmal_prompt: 1\n  x: [\n", "line 2, column 4: this is not valid YAML"),
        ("llmal_prompt: 1\nllmal_prompt: 1\n", "the key 'llmal_prompt' is written twice"),
        ("a: |\n  b\nllmal_prompt: 1\n", "unknown key 'a'"),
    ],
)
def test_a_foreign_file_is_refused(text: str, what: str, tmp_path: Path):
    file = tmp_path / "other.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        ChosenPrompt.load(file)
    assert str(caught.value).startswith(str(file))
    assert what in str(caught.value)


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: the file cannot be read \(No such file"):
        ChosenPrompt.load(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"llmal_prompt: 1\n# \xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml, line 2: the byte 0xe9 is not UTF-8"):
        ChosenPrompt.load(tmp_path / "latin.yaml")
    with pytest.raises(ConfigError, match=r"cannot be written \(No such file"):
        _chosen().save(tmp_path / "no" / "such.yaml")


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"style": "poem"}, ConfigError, "has no poem form; use chat or completion"),
        ({"normalise": "max"}, ConfigError, "no way 'max' to compare labels"),
        ({"shots": 1}, ConfigError, "shots is 1 with 2 demonstrations"),
        ({"options": {"pool": [Item("a", "b")]}}, ConfigError, r"options.pool\[0\] .* type Item"),
        ({"options": {"x": np.float64(1)}}, ConfigError, "options.x .* type float64"),
        ({"candidates": (Item("c", "d", gold="No"),)}, ConfigError, "a fixed set .* candidates"),
        ({"demonstrations": (Item("c", "d"),)}, DataError, "'c' has no label"),
        ({"demonstrations": (Item("c", "d", gold="x"),)}, DataError, "label 'x', which task 't'"),
        (
            {"demonstrations": (Item("c", "d", gold="No"),) * 2},
            DataError,
            "'c' occurs twice",
        ),
        (
            {"task": _task(text=("a", "b")), "demonstrations": (Item("c", "d", gold="No"),)},
            DataError,
            "'c' has no text column 'a'",
        ),
        (
            {"demonstrations": (), "candidates": (Item("c", "d", gold="No"),)},
            ConfigError,
            "no strategy",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_a_chosen_prompt_is_refused(
    options: dict[str, Any], error: type[Exception], what: str
):
    with pytest.raises(error, match=what):
        _chosen(**options)


def test_it_is_not_used_for_another_task(caplog: pytest.LogCaptureFixture):
    chosen = _chosen()
    chosen.check_task(Task("renamed", chosen.task.labels, chosen.task.guidelines))
    assert not caplog.records
    with pytest.raises(ConfigError, match=r"other labels \(No, null, 10\) than .* \(No, 10\)"):
        chosen.check_task(Task("t", ["No", "10"]))
    with pytest.raises(ConfigError, match="other words of labels"):
        chosen.check_task(Task("t", ["No", "null", "10"]))
    with pytest.raises(ConfigError, match="other text columns"):
        chosen.check_task(Task("t", chosen.task.labels, text="body"))
    chosen.check_task(Task("t", chosen.task.labels, "Other guidelines."))
    assert "asks with its own" in caplog.text


def _prepared(lm: TransformersLM, shared: Path, calibrate: str, strategy: str) -> Any:
    task = Task("trec", ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"])
    pool = list(Pool.from_file(shared / "data/trec6/train.jsonl.gz", gold="label")[:60])
    scorer = PromptScorer(LabellingPrompts(task, load_prompt("label"), lm, "completion"))
    made = prepare(
        scorer,
        pool[:20],
        shots=4,
        selector=make_selector(strategy),
        calibrators=[make(calibrate)],
        unlabelled=pool[20:40],
        rng=np.random.default_rng(0),
    )
    return made, pool[40:]


def test_a_prompt_that_was_saved_answers_as_it_did(
    tiny_hf: TransformersLM, shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    made, items = _prepared(tiny_hf, shared, "batch", "balanced")
    caplog.clear()
    chosen = ChosenPrompt.of(made, strategy="balanced")
    assert chosen.cost.requests >= 20
    back = _back(chosen, tmp_path)
    assert back == chosen
    scorer = PromptScorer(back.prompts(tiny_hf), back.normalise)
    before, after = made.score(items), back.prepared(scorer).score(items)
    assert np.array_equal(before.probabilities, after.probabilities)
    assert not np.allclose(after.probabilities, after.scored.probabilities)
    assert [p.prompt for p in before.scored.prompts] == [p.prompt for p in after.scored.prompts]
    assert not caplog.records


def test_another_model_is_warned_of(tiny_hf: TransformersLM, caplog: pytest.LogCaptureFixture):
    replace(_chosen(), model="another").prompts(tiny_hf)
    assert "was chosen for the model another" in caplog.text


def test_a_strategy_that_chooses_for_each_query_must_be_made(tiny_hf: TransformersLM):
    items = (Item("a", "Who ?", gold="No"), Item("b", "Where ?", gold="10"))
    chosen = _chosen(demonstrations=(), candidates=items, strategy="similar")
    scorer = PromptScorer(chosen.prompts(tiny_hf))
    with pytest.raises(ConfigError, match="'similar' chooses for each query"):
        chosen.prepared(scorer)
    assert chosen.prepared(scorer, Fixed(items)).candidates == items


def test_it_can_be_copied_after_use(tiny_hf: TransformersLM):
    chosen = _chosen()
    before = chosen.prompts(tiny_hf).build(Item("x", "Why ?"), chosen.demonstrations).prompt
    again = deepcopy(chosen)
    assert again == chosen
    built = again.prompts(tiny_hf).build(Item("x", "Why ?"), again.demonstrations)
    assert built.prompt == before


def test_a_prompt_as_plain_data_is_its_file():
    for name in ("label", "generate", "rationale"):
        template = load_prompt(name)
        assert parse_prompt(template.as_dict(), template.source, template.digest) == template
        assert set(template.as_dict()) <= set(yaml.safe_load(Path(template.source).read_text()))
