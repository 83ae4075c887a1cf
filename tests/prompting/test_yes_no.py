"""A question about each label, answered yes or no: exact beside brute force, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.prompting import LabellingPrompts, load_prompt
from llmal.prompting.asking import make_prompts
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.yes_no import YesNoPrompts
from llmal.task import Label, Task

TASK = Task(
    "emotions",
    [Label("joy", "gladness"), Label("very angry"), Label("fear", words=("being afraid",))],
    guidelines="What does the writer feel?",
    kind="multi",
)
ITEMS = [
    Item("1", "What a lovely day, I could sing."),
    Item("2", "He slammed the door and shouted.\nTwice."),
    Item("3", ""),
]
SHOWN = [
    Item("d1", "I am so glad.", gold=("joy",)),
    Item("d2", "Go away, I hate spiders!", gold=("fear", "very angry")),
    Item("d3", "The train leaves at nine.", gold=()),
]


def _brute_force(path, prompts, words=("yes", "no")):
    """ln p(yes) - ln p(no), by one full pass for each prompt and word."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    result = []
    for prompt in prompts:
        if isinstance(prompt, str):
            ids, lead = tokenizer(prompt).input_ids, " "
        else:
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            ids, lead = tokenizer(text, add_special_tokens=False).input_ids, ""
        sums = []
        for word in words:
            tail = tokenizer(lead + word, add_special_tokens=False).input_ids
            with torch.inference_mode():
                logits = model(torch.tensor([ids + tail])).logits[0].double()
            logs = logits.log_softmax(-1)
            sums.append(sum(float(logs[len(ids) + n - 1, t]) for n, t in enumerate(tail)))
        result.append(sums[0] - sums[1])
    return np.array(result)


@pytest.mark.parametrize("style", ["chat", "completion"])
@pytest.mark.parametrize("shown", [[], SHOWN])
def test_log_odds_are_those_of_a_full_pass(style, shown, tiny_hf, tiny_lm_path):
    prompts = make_prompts(TASK, load_prompt("label_each"), tiny_hf, style)
    scored = PromptScorer(prompts).score(ITEMS, shown)
    asked = [question for one in scored.prompts for question in one.questions]
    assert len(asked) == len(ITEMS) * 3
    expected = _brute_force(tiny_lm_path, asked).reshape(3, 3)
    assert scored.scores == pytest.approx(expected, abs=2e-4)
    assert scored.probabilities == pytest.approx(1 / (1 + np.exp(-expected)), abs=1e-4)
    assert scored.exact


def test_every_label_is_asked_about_once_with_what_stands_before_it_shared(tiny_hf):
    prompts = YesNoPrompts(TASK, load_prompt("label_each"), tiny_hf, "completion")
    built = prompts.build(ITEMS[1])
    assert len(built.questions) == 3
    for question, word in zip(built.questions, ("joy", "very angry", "being afraid"), strict=True):
        assert question.count(f'Does the label "{word}" apply') == 1
        assert "Text: He slammed the door and shouted. Twice.\n" in question
    before = {question.partition("Does the label")[0] for question in built.questions}
    assert len(before) == 1


def test_demonstrations_answer_the_question_that_is_asked(tiny_hf):
    prompts = YesNoPrompts(TASK, load_prompt("label_each"), tiny_hf, "completion")
    joy, _, fear = prompts.build(ITEMS[0], SHOWN).questions
    answers = [line for line in joy.splitlines() if line.startswith("Answer:")]
    assert answers == ["Answer: yes", "Answer: no", "Answer: no", "Answer:"]
    answers = [line for line in fear.splitlines() if line.startswith("Answer:")]
    assert answers == ["Answer: no", "Answer: yes", "Answer: no", "Answer:"]


def test_what_it_costs_is_what_all_questions_cost(tiny_hf):
    prompts = make_prompts(TASK, load_prompt("label_each"), tiny_hf, "completion")
    scored = PromptScorer(prompts).score(ITEMS)
    highest = PromptScorer(prompts).plan(ITEMS).highest
    assert sum(one.requests for one in scored.usage) == highest.requests == 9
    tokens = [
        int(tiny_hf.count_tokens(list(prompts.build(item).questions)).sum()) for item in ITEMS
    ]
    assert [one.prompt_tokens for one in scored.usage] == tokens
    assert sum(tokens) == highest.prompt_tokens


def test_a_text_that_is_too_long_is_cut_alike_for_all_labels(tiny_hf):
    prompts = make_prompts(TASK, load_prompt("label_each"), tiny_hf, "completion")
    long = Item("long", "words and more words " * 3000)
    built = prompts.build(long, SHOWN)
    assert "the text was cut to the context" in built.flags
    lengths = tiny_hf.count_tokens(list(built.questions))
    assert (lengths < tiny_hf.context_length).all()
    texts = {question.partition("Does the label")[0] for question in built.questions}
    assert len(texts) == 1


def test_a_prompt_that_asks_about_all_labels_at_once_is_refused(tiny_hf):
    with pytest.raises(ConfigError, match="the prompt 'label_names' does not ask about one label"):
        YesNoPrompts(TASK, load_prompt("label_names"), tiny_hf)
    with pytest.raises(ConfigError, match="the prompt label works with one label an item"):
        LabellingPrompts(TASK, load_prompt("label"), tiny_hf)
    with pytest.raises(ConfigError, match="works with several labels an item"):
        YesNoPrompts(Task("t", ["a", "b"]), load_prompt("label_each"), tiny_hf)
