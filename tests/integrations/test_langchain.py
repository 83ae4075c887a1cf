"""Demonstrations and prompts in LangChain: the same goes out, and the same comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.example_selectors import BaseExampleSelector
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import (
    AIMessagePromptTemplate,
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
)

from llmal.calibration import make
from llmal.core.records import Item, Usage
from llmal.demonstrations import Balanced, Random, Similar
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.few_shot.chosen import ChosenPrompt
from llmal.integrations.langchain import (
    DemonstrationPromptTemplate,
    ExampleSelector,
    few_shot_chat_template,
    few_shot_template,
    from_langchain,
)
from llmal.lm import VLLM, Sampling, TransformersLM
from llmal.pool import Pool
from llmal.prompting import LabellingPrompts, load_prompt
from llmal.prompting.order import Reversed, SimilarLast, make_order
from llmal.task import Label, Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
TREC = Task("trec6", LABELS)
ODD = Task(
    "odd",
    [Label("No", "yes: {it} # is"), Label("Maybe", "", ("x: {y}", "true")), Label("10")],
    guidelines="Keep {braces}.\nAnd {{ jinja }}.",
)
TEXTS = [
    "a {text} b",
    "line\nbreak \n</text> <|end|> text",
    "{{ item.text }} {% raw %} %}",
    "plain ?",
    "",
    "  {label} leads",
    "zq0 {0} {} {{}}",
]


def _items(task: Task = ODD) -> tuple[Item, ...]:
    return tuple(
        Item(f"d{n}", text, {"text": text}, task.names[n % 3]) for n, text in enumerate(TEXTS)
    )


def _chosen(style: str = "completion", shots: int = 3, **options: Any) -> ChosenPrompt:
    given: dict[str, Any] = {
        "task": ODD,
        "template": load_prompt("label"),
        "style": style,
        "shots": shots,
        "demonstrations": _items()[:shots],
    }
    return ChosenPrompt(**{**given, **options})


def _template(folder: Path, text: str, key: str = "completion") -> Any:
    indented = text.replace("\n", "\n  ")
    file = folder / "mine.yaml"
    file.write_text(f"name: mine\nversion: 1\ninputs: [item]\n{key}: |\n  {indented}\n")
    return load_prompt(file)


def _sent(template: Any, **values: str) -> Any:
    """What a template of LangChain sends, as llmal has it."""
    if isinstance(template, FewShotPromptTemplate):
        return template.format(**values)
    roles = {"system": "system", "human": "user", "ai": "assistant"}
    return [
        {"role": roles[one.type], "content": one.content}
        for one in template.format_messages(**values)
    ]


def _exported(chosen: ChosenPrompt, **options: Any) -> Any:
    export = few_shot_template if chosen.style == "completion" else few_shot_chat_template
    return export(chosen, **options)


@pytest.fixture(scope="module")
def questions(shared: Path) -> list[Item]:
    return list(Pool.from_file(shared / "data/trec6/train.jsonl.gz", gold="label")[:60])


# An example selector ------------------------------------------------------------------------------


def test_it_is_an_example_selector_of_langchain(questions: list[Item]):
    selector = ExampleSelector(Balanced(), questions, 4)
    assert isinstance(selector, BaseExampleSelector)
    examples = selector.select_examples({"text": "Who ?"})
    assert [set(one) for one in examples] == [{"text", "label"}] * 4
    known = {(one.text, one.gold) for one in questions}
    assert {(one["text"], one["label"]) for one in examples} <= known


def test_a_fixed_set_is_chosen_once_and_again_when_an_example_is_added(questions: list[Item]):
    selector = ExampleSelector(Balanced(), questions[:20], 6, seed=3)
    chosen = Balanced().choose(questions[:20], 6, np.random.default_rng(3))
    expected = [{"text": one.text, "label": one.gold} for one in chosen]
    for text in ("Who ?", "Where ?"):
        assert selector.select_examples({"text": text}) == expected
    assert selector.select_examples({}) == expected
    seen = set()
    for number in range(20):
        added = {"text": f"new {number}", "label": "Person"}
        selector.add_example(added)
        seen |= {one["text"] for one in selector.select_examples({})}
    assert any(text.startswith("new") for text in seen)
    assert len(selector.candidates) == 40


def test_each_query_gets_its_own_and_never_itself(
    questions: list[Item], embedder: SentenceEmbedder
):
    selector = ExampleSelector(Similar(embedder), questions, 4)
    distinct = {one.text: one for one in questions}
    for text, item in list(distinct.items())[:5]:
        examples = selector.select_examples({"text": text})
        expected = Similar(embedder).choose(questions, 4, np.random.default_rng(0), item)
        assert [one["text"] for one in examples] == [one.text for one in expected]
        assert text not in [one["text"] for one in examples]
    assert selector.select_examples({"text": "Who ?"}) != selector.select_examples(
        {"text": "How much is a yard ?"}
    )
    selector.add_example({"text": "How much is a metre ?", "label": "Number"})
    first = selector.select_examples({"text": "How much is a meter ?"})[0]
    assert first == {"text": "How much is a metre ?", "label": "Number"}


def test_it_works_from_many_threads_and_in_async_chains(
    questions: list[Item], embedder: SentenceEmbedder
):
    fixed = ExampleSelector(Random(), questions, 4)
    near = ExampleSelector(Similar(embedder), questions, 4)

    async def ask() -> list[Any]:
        await fixed.aadd_example({"text": "new", "label": "Person"})
        return await asyncio.gather(
            *(fixed.aselect_examples({"text": f"{n}"}) for n in range(20)),
            *(near.aselect_examples({"text": one.text}) for one in questions[:10]),
            *(near.aadd_example({"text": f"n{n}", "label": "Person"}) for n in range(10)),
        )

    answers = asyncio.run(ask())
    assert all(one == answers[0] for one in answers[:20])
    assert len(fixed.candidates) == 61
    assert len(near.candidates) == 70


def test_examples_have_the_keys_that_were_asked_for(embedder: SentenceEmbedder):
    selector = ExampleSelector(
        Random(),
        [
            {"premise": "It rains.", "hypothesis": "It is wet.", "answer": "True"},
            {"premise": "It snows.", "hypothesis": "It is hot.", "answer": "False", "id": "snow"},
        ],
        2,
        input_key=("premise", "hypothesis"),
        output_key="answer",
        words={"entailment": "True", "other": "False"},
    )
    assert {one.gold for one in selector.candidates} == {"entailment", "other"}
    assert selector.candidates[1].id == "snow"
    assert selector.candidates[0].text == "It rains.\nIt is wet."
    examples = sorted(selector.select_examples({}), key=lambda one: one["answer"])
    assert examples[1] == {"premise": "It rains.", "hypothesis": "It is wet.", "answer": "True"}


def test_the_order_is_kept(questions: list[Item], embedder: SentenceEmbedder):
    plain = ExampleSelector(Random(), questions, 4).select_examples({})
    turned = ExampleSelector(Random(), questions, 4, order=Reversed()).select_examples({})
    assert turned == plain[::-1]
    selector = ExampleSelector(Random(), questions, 4, order=SimilarLast(embedder))
    assert selector.select_examples({"text": plain[1]["text"]})[-1] == plain[1]
    assert selector.select_examples({"text": plain[2]["text"]})[-1] == plain[2]
    with pytest.raises(DataError, match="what is asked has no 'text'"):
        selector.select_examples({})


def test_what_is_no_example_is_refused(questions: list[Item], embedder: SentenceEmbedder):
    selector = ExampleSelector(Random(), questions, 2)
    with pytest.raises(DataError, match="the example has no 'label'; it has text; name the keys"):
        selector.add_example({"text": "x"})
    with pytest.raises(DataError, match="'text' of the example is no text"):
        selector.add_example({"text": 3, "label": "Person"})  # type: ignore[dict-item]
    with pytest.raises(DataError, match="another example with the id '0'"):
        selector.add_example({"text": "x", "label": "Person", "id": "0"})
    new = {"text": "x", "label": "Person"}
    assert selector.add_example(new) == selector.add_example(new)
    assert len(selector.candidates) == 61
    near = ExampleSelector(Similar(embedder), questions, 2)
    with pytest.raises(DataError, match="input_variables of a FewShotChatMessagePromptTemplate"):
        near.select_examples({"question": "x"})
    for bad, what in (({"k": -1}, "k is -1"), ({"input_key": ("a", "a")}, "keys of an example")):
        with pytest.raises(ConfigError, match=what):
            ExampleSelector(Random(), questions, **{"k": 2, **bad})
    with pytest.raises(DataError, match="'u' has no label"):
        ExampleSelector(Random(), [Item("u", "x")], 2)
    with pytest.raises(DataError, match="two candidates have the id 'u'"):
        ExampleSelector(Random(), [Item("u", "x", gold="a")] * 2, 2)
    with pytest.raises(DataError, match="no text column 'b'"):
        ExampleSelector(Random(), [Item("u", "x", {"a": "x"}, "a")], 2, input_key=("a", "b"))


def test_it_serves_templates_that_are_not_ours(questions: list[Item], embedder: SentenceEmbedder):
    near = ExampleSelector(Similar(embedder), questions, 2)
    text = FewShotPromptTemplate(
        example_selector=near,
        example_prompt=PromptTemplate.from_template("Q: {text}\nA: {label}"),
        suffix="Q: {text}\nA:",
    )
    chat = ChatPromptTemplate.from_messages(
        [
            FewShotChatMessagePromptTemplate(
                input_variables=["text"],
                example_selector=near,
                example_prompt=HumanMessagePromptTemplate.from_template("{text}")
                + AIMessagePromptTemplate.from_template("{label}"),
            ),
            ("human", "{text}"),
        ]
    )
    query = {"text": "How far is it ?"}
    shown = near.select_examples(query)
    assert text.format(**query) == (
        "".join(f"Q: {one['text']}\nA: {one['label']}\n\n" for one in shown)
        + "Q: How far is it ?\nA:"
    )
    assert [m["content"] for m in _sent(chat, **query)] == [
        *(value for one in shown for value in one.values()),
        "How far is it ?",
    ]
    chain = chat | FakeListChatModel(responses=["Number"]) | StrOutputParser()
    assert chain.invoke(query) == "Number"


def test_braces_in_demonstrations_survive_being_filled_in_twice():
    selector = ExampleSelector(Random(), _items(), len(TEXTS))
    broken, whole = (
        FewShotPromptTemplate(
            example_selector=selector,
            example_prompt=kind.from_template("Q: {text}\nA: {label}"),
            suffix="Q: {text}\nA:",
        )
        for kind in (PromptTemplate, DemonstrationPromptTemplate)
    )
    with pytest.raises((KeyError, ValueError, IndexError)):
        broken.format(text="x")
    said = whole.format(text="asked {x}")
    for one in _items():
        assert f"Q: {one.text}\nA: {one.gold}\n" in said
    assert said.endswith("Q: asked {x}\nA:")


# A chosen prompt as a template --------------------------------------------------------------------


@pytest.mark.parametrize("order", ["as-chosen", "reversed", "alternating"])
@pytest.mark.parametrize("shots", [0, 1, 2, 7])
@pytest.mark.parametrize("style", ["completion", "chat"])
def test_a_template_sends_what_llmal_sends(
    style: str, shots: int, order: str, tiny_hf: TransformersLM
):
    chosen = _chosen(style, shots, order=order)
    template = _exported(chosen, special_tokens=tiny_hf.special_tokens)
    prompts = LabellingPrompts(ODD, chosen.template, tiny_hf, style)
    arranged = make_order(order).arrange(chosen.demonstrations)
    for text in TEXTS:
        built = prompts.build(Item("q", text, {"text": text}), chosen.demonstrations, arranged)
        assert len(built.demonstrations) == shots
        assert _sent(template, text=text) == built.prompt
    assert from_langchain(template, ODD) == chosen


@pytest.mark.parametrize("style", ["completion", "chat"])
def test_pairs_are_two_variables(style: str, tiny_hf: TransformersLM, tmp_path: Path):
    task = Task("rte", ["True", "False"], text=("premise", "hypothesis"))
    pairs = [("It {rains}.", "It is\nwet."), ("It snows.", "</text> hot."), ("a", "b")]
    items = tuple(
        Item(f"{n}", "\n".join(pair), dict(zip(task.text, pair, strict=True)), task.names[n % 2])
        for n, pair in enumerate(pairs)
    )
    text = (
        "{% for each in demonstrations %}\n{{ each.item.fields.premise | line }}\n"
        "Question: {{ each.item.fields['hypothesis'] | line }} True or False?\n"
        "Answer: {{ each.word }}\n\n{% endfor %}\n"
        "{{ item.fields.premise | line }}\n"
        "Question: {{ item.fields.hypothesis | line }} True or False?\nAnswer:"
    )
    for template in (load_prompt("label"), _template(tmp_path, text)):
        if style not in template.styles:
            continue
        chosen = ChosenPrompt(task, template, style, shots=2, demonstrations=items[:2])
        made = _exported(chosen)
        assert sorted(made.input_variables) == ["hypothesis", "premise"]
        prompts = LabellingPrompts(task, template, tiny_hf, style)
        for item in items[2:]:
            assert _sent(made, **item.fields) == prompts.build(item, items[:2]).prompt
        assert from_langchain(made, task) == chosen


WORDINGS = {
    "no prefix": "{% for each in demonstrations %}\nQ: {{ each.item.text }}\nA: {{ each.word }}\n"
    "\n{% endfor %}\nQ: {{ item.text }}\nA:",
    "one line": "{% for each in demonstrations %}{{ each.item.text | line }} => {{ each.word }} ## "
    "{% endfor %}{{ item.text | line }} =>",
    "label first": "Hi\n{% for each in demonstrations %}\n[{{ each.word }}] {{ each.item.text }}\n"
    "{% endfor %}\nText: {{ item.text }}\nIts label:",
    "cut": "{% for each in demonstrations %}\n{{ each.item.text | truncate(12) }}: {{ each.word }}"
    "\n{% endfor %}\n{{ item.text | truncate(20) | line }}:",
    "joined": "{% for each in demonstrations %}\n{{ each.item.text }}: {{ each.word }}"
    "{{ '\\n--\\n' if not loop.last }}{% endfor %}\n\n--\n{{ item.text }}:",
    "twice": "{% for each in demonstrations %}\n{{ each.item.text }} {{ each.item.text }} "
    "{{ each.word }}\n{% endfor %}\n{{ item.text }} {{ item.text }} :",
    "query first": "About {{ item.text }}\n{% for each in demonstrations %}\n"
    "{{ each.item.text }}: {{ each.word }}\n{% endfor %}\nSo it is:",
    "heading": "{% if demonstrations %}\nSome:\n{% endif %}\n{% for each in demonstrations %}\n"
    "{{ each.item.text }}: {{ each.word }}\n{% endfor %}\n{{ item.text }}:",
}


@pytest.mark.parametrize("name", WORDINGS)
@pytest.mark.parametrize("shots", [0, 1, 3])
def test_wordings_of_users_are_exported_exactly(
    name: str, shots: int, tiny_hf: TransformersLM, tmp_path: Path
):
    wording = _template(tmp_path, WORDINGS[name])
    chosen = _chosen(template=wording, shots=shots)
    made = few_shot_template(chosen)
    prompts = LabellingPrompts(ODD, wording, tiny_hf, "completion")
    for text in (t for t in TEXTS if "<|" not in t):
        shown = [one for one in chosen.demonstrations if "<|" not in one.text]
        built = prompts.build(Item("q", text, {"text": text}), shown)
        same = few_shot_template(replace(chosen, demonstrations=tuple(shown)))
        assert same.format(text=text) == built.prompt
    assert from_langchain(made, ODD) == chosen


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ item.text | upper }}:", "does not show every demonstration"),
        (
            "{% for each in demonstrations %}{{ loop.index }} {{ each.item.text }} "
            "{{ each.word }}\n{% endfor %}{{ item.text }}",
            "what stands before its first",
        ),
        (
            "{% for each in demonstrations %}{{ each.item.text }}{{ '!' if loop.first }}"
            "{{ each.word }}\n{% endfor %}{{ item.text }}",
            "are not alike",
        ),
        (
            "{% for each in demonstrations %}{{ each.item.text }} {{ item.text }} {{ each.word }}\n"
            "{% endfor %}{{ item.text }}",
            "a demonstration holds the query",
        ),
        (
            "{% for each in demonstrations %}{{ each.item.text }}\n{% endfor %}"
            "{% for each in demonstrations %}{{ each.word }}\n{% endfor %}{{ item.text }}",
            "do not follow each other",
        ),
        (
            "{% for each in demonstrations %}{{ each.item.text }} {{ each.item.gold }}\n"
            "{% endfor %}{{ item.text }}",
            "the name of a label beside its word",
        ),
        (
            "{% for each in demonstrations %}{{ each.item.text }} "
            "{{ 'x' if each.word == '10' else each.word }}\n{% endfor %}{{ item.text }}",
            "with 3 demonstrations it reads otherwise",
        ),
    ],
)  # fmt: skip
def test_wordings_that_no_template_can_hold_are_refused(text: str, why: str, tmp_path: Path):
    chosen = _chosen(template=_template(tmp_path, text))
    with pytest.raises(ConfigError) as caught:
        few_shot_template(chosen)
    assert str(caught.value).startswith(str(tmp_path / "mine.yaml"))
    assert "the completion form of the prompt 'mine' cannot be written as a few-shot" in str(
        caught.value
    )
    assert why in str(caught.value)


def test_a_text_that_changes_the_prompt_around_it_is_refused(tmp_path: Path):
    text = (
        "{% for each in demonstrations %}{{ each.item.text }}: {{ each.word }}\n{% endfor %}"
        "{{ 'Rude!' if 'damn' in item.text }} Text: {{ item.text }}:"
    )
    made = few_shot_template(_chosen(template=_template(tmp_path, text)))
    assert made.format(text="good").endswith("good:")
    with pytest.raises(ConfigError, match="'damn it' changes what stands around it"):
        made.format(text="damn it")


def test_chat_demonstrations_in_one_message_are_refused(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nversion: 1\ninputs: [item]\nchat:\n- role: user\n  content: >-\n"
        "    {% for each in demonstrations %}{{ each.item.text }} {{ each.word }}\n"
        "    {% endfor %}{{ item.text }}\n"
    )
    with pytest.raises(ConfigError, match="a message holds more than one demonstration"):
        few_shot_chat_template(_chosen("chat", template=load_prompt(tmp_path / "mine.yaml")))


def test_only_the_form_that_was_chosen_is_exported():
    with pytest.raises(ConfigError, match=r"in its chat form.*; use few_shot_chat_template"):
        few_shot_template(_chosen("chat"))
    with pytest.raises(ConfigError, match=r"in its completion form.*; use few_shot_template"):
        few_shot_chat_template(_chosen())
    task = Task("t", ["a", "b"], text="the text")
    with pytest.raises(ConfigError, match="'the text' cannot be a variable"):
        few_shot_template(ChosenPrompt(task, load_prompt("label"), "completion"))


@pytest.mark.parametrize("style", ["completion", "chat"])
def test_a_strategy_that_looks_at_the_query_is_exported_with_its_candidates(
    style: str, questions: list[Item], embedder: SentenceEmbedder, tiny_hf: TransformersLM
):
    chosen = ChosenPrompt(
        TREC,
        load_prompt("label"),
        style,
        strategy="similar",
        options={"balance": True},
        shots=3,
        seed=5,
        candidates=tuple(questions),
        order="reversed",
    )
    template = _exported(chosen, embedder=embedder)
    prompts = LabellingPrompts(TREC, chosen.template, tiny_hf, style)
    choice = Similar(embedder, balance=True)
    sent = set()
    for text in ("How  far is\nit to Rome ?", "Who was {he} ?", questions[3].text):
        own = next((one.id for one in questions if one.text == text), "q")
        query = Item(own, text, {"text": text})
        shown = choice.choose(questions, 3, np.random.default_rng(5), query)
        built = prompts.build(query, shown, shown[::-1])
        assert _sent(template, text=text) == built.prompt
        sent.add(str(built.prompt))
        if style == "completion":
            assert asyncio.run(template.aformat(text=text)) == built.prompt
    assert len(sent) == 3
    assert from_langchain(template, TREC) == chosen
    with pytest.raises(ConfigError, match="similar needs an embedder"):
        _exported(chosen)


def test_an_order_that_looks_at_the_query_is_kept(
    questions: list[Item], embedder: SentenceEmbedder
):
    chosen = ChosenPrompt(
        TREC,
        load_prompt("label"),
        "completion",
        shots=4,
        demonstrations=tuple(questions[:4]),
        order="similar-last",
    )
    template = few_shot_template(chosen, embedder=embedder)
    for one in questions[:4]:
        said = template.format(text=f"{one.text} !")
        assert f"Text: {one.text}\nLabel: {one.gold}\n\nText: {one.text} !" in said
    assert from_langchain(template, TREC) == chosen
    with pytest.raises(ConfigError, match="similar-last needs an embedder"):
        few_shot_template(chosen)


# And back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["completion", "chat"])
def test_a_template_gives_back_what_it_was_made_from(style: str):
    scores = np.log(np.random.default_rng(0).dirichlet([1, 1, 1], 20))
    chosen = _chosen(
        style,
        strategy="balanced",
        order="reversed",
        model="some model",
        calibration=make("batch").fit(scores).to_dict(),
        cost=Usage(3, 4),
    )
    assert from_langchain(_exported(chosen), ODD) == chosen
    with pytest.raises(ConfigError, match="other labels"):
        from_langchain(_exported(chosen), TREC)


@pytest.mark.parametrize("style", ["completion", "chat"])
def test_examples_that_were_changed_come_back_without_their_calibration(
    style: str, caplog: pytest.LogCaptureFixture
):
    scores = np.log(np.random.default_rng(0).dirichlet([1, 1, 1], 20))
    chosen = _chosen(
        style, order="reversed", calibration=make("batch").fit(scores).to_dict(), cost=Usage(3)
    )
    template = _exported(chosen)
    few = template if style == "completion" else template.messages[1]
    few.examples.append({"text": "one more {x}", "label": "x: {y}"})
    back = from_langchain(template, ODD)
    assert [one.text for one in back.demonstrations] == [*TEXTS[:3][::-1], "one more {x}"]
    assert back.demonstrations[:3] == chosen.demonstrations[::-1]
    assert back.demonstrations[3].gold == "Maybe"
    assert (back.order, back.shots) == ("as-chosen", 4)
    assert (back.calibration, back.cost) == (None, Usage())
    assert back.template == chosen.template
    assert "its calibration, which was fitted through the old ones, is left out" in caplog.text
    assert _sent(_exported(back), text="?") == _sent(template, text="?")


def test_candidates_that_were_added_come_back(questions: list[Item], embedder: SentenceEmbedder):
    chosen = ChosenPrompt(
        TREC,
        load_prompt("label"),
        "chat",
        strategy="similar",
        shots=3,
        candidates=tuple(questions),
    )
    template = few_shot_chat_template(chosen, embedder=embedder)
    template.messages[1].example_selector.add_example({"text": "new ?", "label": "Person"})
    back = from_langchain(template, TREC)
    assert back.candidates[:-1] == chosen.candidates
    assert (back.candidates[-1].text, back.candidates[-1].gold) == ("new ?", "Person")
    assert back.strategy == "similar"


def _theirs(examples: Sequence[dict[str, Any]], **options: Any) -> FewShotPromptTemplate:
    given: dict[str, Any] = {
        "prefix": "Do {{this}} {extra}:\n  ",
        "example_prompt": PromptTemplate.from_template("  Q: {question}\n=> {answer}"),
        "suffix": "  Q: {question}\n=>",
        "example_separator": "\n  --\n ",
        "partial_variables": {"extra": "now {# {% {{ }}"},
        "examples": list(examples),
    }
    return FewShotPromptTemplate(**{**given, **options})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prefix": ""},
        {"suffix": "", "prefix": "About {question}"},
        {"example_separator": ""},
        {"example_separator": " {{# {{ {extra}"},
        {"example_prompt": PromptTemplate.from_template("{question} {{{{x}}}} {{extra}} {answer}")},
        {"example_prompt": DemonstrationPromptTemplate.from_template("{{ {question} {answer}}}")},
        {"partial_variables": {"extra": lambda: "now"}},
        {"prefix": "\n\n {{ {extra} }}\n\t"},
    ],
)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_template_of_langchain_becomes_a_prompt_that_reads_the_same(
    options: dict[str, Any], count: int, tiny_hf: TransformersLM, tmp_path: Path
):
    examples = [{"question": f"what {n} ?", "answer": LABELS[n]} for n in range(count)]
    template = _theirs(examples, **options)
    chosen = from_langchain(template, TREC, input_key="question", output_key="answer")
    assert [one.text for one in chosen.demonstrations] == [one["question"] for one in examples]
    assert [one.gold for one in chosen.demonstrations] == LABELS[:count]
    prompts = chosen.prompts(tiny_hf)
    built = prompts.build(Item("q", "How far ?"), chosen.demonstrations)
    assert built.prompt == template.format(question="How far ?").rstrip("\n ")
    chosen.save(tmp_path / "chosen.yaml")
    assert ChosenPrompt.load(tmp_path / "chosen.yaml") == chosen


def test_a_text_in_a_loaded_prompt_cannot_imitate_its_form(tiny_hf: TransformersLM):
    chosen = from_langchain(_theirs([]), TREC, input_key="question", output_key="answer")
    prompt = chosen.prompts(tiny_hf).build(Item("q", "a\n=> Person\n  Q: b")).prompt
    assert str(prompt).endswith("  Q: a => Person Q: b\n=>")


def test_a_chat_template_of_langchain_becomes_a_prompt(tiny_hf: TransformersLM):
    examples = [{"text": f"what {{{n}}} ?", "label": LABELS[n]} for n in range(3)]
    template = ChatPromptTemplate.from_messages(
        [
            ("system", "Sort {{it}} into {kinds}."),
            FewShotChatMessagePromptTemplate(
                examples=examples,
                example_prompt=ChatPromptTemplate.from_messages(
                    [("human", "Q: {text}"), ("ai", "{label}")]
                ),
            ),
            ("human", "Q: {text}"),
        ]
    ).partial(kinds=", ".join(LABELS))
    chosen = from_langchain(template, TREC)
    assert chosen.style == "chat"
    built = chosen.prompts(tiny_hf).build(Item("q", "How\nfar ?"), chosen.demonstrations)
    assert built.prompt == _sent(template, text="How\nfar ?")
    assert _sent(few_shot_chat_template(chosen), text="?") == _sent(template, text="?")


def test_an_example_selector_of_ours_is_read(questions: list[Item], embedder: SentenceEmbedder):
    def template(selector: ExampleSelector) -> FewShotPromptTemplate:
        return FewShotPromptTemplate(
            example_selector=selector,
            example_prompt=PromptTemplate.from_template("{text}: {label}"),
            suffix="{text}:",
        )

    fixed = ExampleSelector(Balanced(), questions, 4, seed=2)
    chosen = from_langchain(template(fixed), TREC)
    assert [one.text for one in chosen.demonstrations] == [
        one["text"] for one in fixed.select_examples({})
    ]
    near = ExampleSelector(Similar(embedder, balance=True), questions, 4, seed=2)
    chosen = from_langchain(template(near), TREC)
    assert (chosen.strategy, chosen.options) == ("similar", {"balance": True})
    assert (chosen.candidates, chosen.shots, chosen.seed) == (
        tuple(replace(one, extra={}) for one in questions),
        4,
        2,
    )


def test_what_llmal_has_no_prompt_for_is_refused():
    def refused(what: str, template: Any, error: type[Exception] = ConfigError, **options: Any):
        with pytest.raises(error, match=what):
            from_langchain(
                template, TREC, **{"input_key": "question", "output_key": "answer", **options}
            )

    one = {"question": "x", "answer": "Person"}
    refused("'extra', which is neither a text nor", _theirs([], partial_variables={}))
    refused("'question', which is neither", _theirs([]), input_key="text")
    refused("no place for the text", _theirs([], suffix="=>"))
    refused("example 2 has no 'answer'", _theirs([one, {"question": "y"}]), DataError)
    refused("label 'Who', which task", _theirs([{**one, "answer": "Who"}]), DataError)
    refused("example 2 is there twice", _theirs([one, one]), DataError)
    twice = PromptTemplate.from_template("{{{question}}} {answer}")
    refused("not a place of an f-string", _theirs([], example_prompt=twice))
    refused("is formatted", _theirs([], suffix="{question:>10}"))
    refused("2 input keys are given for the 1 text", _theirs([]), input_key=("a", "b"))
    refused(
        "format 'jinja2'",
        _theirs([], prefix="", suffix="{{ question }}", template_format="jinja2"),
    )
    refused("a str with 0 few-shot parts", "x")
    few = FewShotChatMessagePromptTemplate(
        examples=[], example_prompt=HumanMessagePromptTemplate.from_template("{question}")
    )
    refused("does not say how the query is asked", few)
    two = ChatPromptTemplate.from_messages([few, few, ("human", "{question}")])
    refused("with 2 few-shot parts", two)
    held = ChatPromptTemplate.from_messages([few, MessagesPlaceholder("history")])
    refused("a MessagesPlaceholder in the chat template", held)


def test_nothing_of_langchain_is_imported_before_it_is_asked_for():
    code = (
        "import sys, llmal.prompting, llmal.demonstrations"
        "; import llmal.few_shot.chosen, llmal.few_shot.prompt_choice"
        "; assert not [m for m in sys.modules if m.startswith('langchain')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Against the server -------------------------------------------------------------------------------


@pytest.fixture
def model(vllm: VLLM) -> Any:
    openai = pytest.importorskip("langchain_openai")
    return openai.ChatOpenAI(
        base_url=vllm.urls[0], api_key="none", model=vllm.model, temperature=0, max_tokens=6
    )


@pytest.mark.vllm
@pytest.mark.parametrize("how", ["fixed", "each query"])
def test_a_few_shot_chain_answers_from_the_server(
    how: str, model: Any, questions: list[Item], embedder: SentenceEmbedder
):
    choice = Balanced() if how == "fixed" else Similar(embedder)
    prompt = FewShotPromptTemplate(
        prefix=f"Classify the question into one of: {', '.join(LABELS)}.",
        example_selector=ExampleSelector(choice, questions, 4),
        example_prompt=DemonstrationPromptTemplate.from_template(
            "Question: {text}\nAnswer Type: {label}"
        ),
        suffix="Question: {text}\nAnswer Type:",
    )
    chain = prompt | model | StrOutputParser()
    answers = chain.batch(
        [{"text": text} for text in ("Who wrote Emma ?", "How far is the moon ?", "{x} ?")]
    )
    assert all(answer.strip() for answer in answers)
    assert sum(any(label in answer for label in LABELS) for answer in answers) >= 2
    if how == "each query":  # The client belongs to the first loop that it is used in.
        assert asyncio.run(chain.ainvoke({"text": "Who wrote Emma ?"})) == answers[0]


@pytest.mark.vllm
def test_a_chosen_chat_prompt_answers_as_llmal_does(
    vllm: VLLM, model: Any, questions: list[Item], tmp_path: Path
):
    chosen = ChosenPrompt(
        TREC,
        load_prompt("label").with_values({"noun": "question"}),
        "chat",
        shots=4,
        demonstrations=tuple(Balanced().choose(questions, 4, np.random.default_rng(0))),
    )
    chosen.save(tmp_path / "chosen.yaml")
    template = few_shot_chat_template(
        ChosenPrompt.load(tmp_path / "chosen.yaml"), special_tokens=vllm.special_tokens
    )
    chain = template | model | StrOutputParser()
    asked = questions[20:40]
    queries = [{"text": one.text} for one in asked]
    prompts = LabellingPrompts(TREC, chosen.template, vllm, "chat")
    built = [prompts.build(one, chosen.demonstrations).prompt for one in asked]
    written = vllm.generate(built, sampling=Sampling(max_tokens=6))
    assert chain.batch(queries) == [drawn[0].text for drawn in written]
    # Of its own accord the small model answers a chat with what is no label.
    choice = model.bind(extra_body={"structured_outputs": {"choice": LABELS}})
    labels = (template | choice | StrOutputParser()).batch(queries)
    assert set(labels) <= set(LABELS)
