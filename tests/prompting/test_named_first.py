"""Which of several labels is named first: exact beside brute force, and what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, logit

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.prompting import load_prompt
from llmal.prompting.asking import default_prompt, make_prompts
from llmal.prompting.named_first import NamedFirstPrompts
from llmal.prompting.scorer import PromptScorer
from llmal.task import Label, Task

TASK = Task(
    "emotions",
    [
        Label("joy", "gladness"),
        Label("very angry"),
        Label("fear", words=("being afraid", "fright")),
    ],
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
WORDS = ["joy", "very angry", "being afraid", "fright", "none"]


def _brute_force(path, prompts):
    """ln p of every word after every prompt, by one full pass for each."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    sums = []
    for prompt in prompts:
        if isinstance(prompt, str):
            ids, lead = tokenizer(prompt).input_ids, " "
        else:
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            ids, lead = tokenizer(text, add_special_tokens=False).input_ids, ""
        for word in WORDS:
            tail = tokenizer(lead + word, add_special_tokens=False).input_ids
            with torch.inference_mode():
                logits = model(torch.tensor([ids + tail])).logits[0].double()
            logs = logits.log_softmax(-1)
            sums.append(sum(float(logs[len(ids) + n - 1, t]) for n, t in enumerate(tail)))
    return np.array(sums).reshape(len(prompts), len(WORDS))


@pytest.mark.parametrize("style", ["chat", "completion"])
@pytest.mark.parametrize("shown", [[], SHOWN])
def test_log_odds_are_those_of_a_full_pass(style, shown, tiny_hf, tiny_lm_path):
    prompts = make_prompts(TASK, default_prompt(TASK), tiny_hf, style)
    assert isinstance(prompts, NamedFirstPrompts)
    scored = PromptScorer(prompts).score(ITEMS, shown)
    assert [len(one.questions) for one in scored.prompts] == [1, 1, 1]
    words = np.exp(
        log_softmax(_brute_force(tiny_lm_path, [one.prompt for one in scored.prompts]), 1)
    )
    labels = np.stack([words[:, 0], words[:, 1], words[:, 2] + words[:, 3]], axis=1)
    assert scored.scores == pytest.approx(logit(labels), abs=5e-4)
    assert scored.probabilities == pytest.approx(labels, abs=1e-4)
    assert scored.exact


@pytest.mark.vllm
@pytest.mark.parametrize("prompt", ["label_names", "label_each"])
@pytest.mark.parametrize("style", ["chat", "completion"])
def test_a_server_gives_the_same(prompt, style, vllm, tiny_hf):
    template = load_prompt(prompt)
    served, inside = (
        PromptScorer(make_prompts(TASK, template, lm, style)).score(ITEMS, SHOWN)
        for lm in (vllm, tiny_hf)
    )
    assert served.scores == pytest.approx(inside.scores, abs=2e-2)
    assert served.probabilities == pytest.approx(inside.probabilities, abs=2e-3)
    assert served.exact
    assert inside.exact


def test_demonstrations_show_all_labels_or_none(tiny_hf):
    prompts = make_prompts(TASK, load_prompt("label_names"), tiny_hf, "completion")
    lines = prompts.build(ITEMS[0], SHOWN).prompt.splitlines()
    answers = [line for line in lines if line.startswith("Labels:")]
    assert answers == ["Labels: joy", "Labels: being afraid, very angry", "Labels: none", "Labels:"]


def test_what_it_costs_is_what_it_takes(tiny_hf):
    prompts = make_prompts(TASK, default_prompt(TASK), tiny_hf, "completion")
    scored = PromptScorer(prompts).score(ITEMS)
    highest = PromptScorer(prompts).plan(ITEMS).highest
    assert sum(one.requests for one in scored.usage) <= highest.requests
    assert sum(one.prompt_tokens for one in scored.usage) <= highest.prompt_tokens


def test_a_label_that_is_all_but_certain_has_finite_odds(tiny_hf):
    prompts = make_prompts(TASK, default_prompt(TASK), tiny_hf, "completion")
    odds = prompts.label_scores(np.array([[0.0, -900.0, -900.0, -900.0, -900.0]]))
    assert np.isfinite(odds).all()
    assert odds[0, 0] > 20
    assert odds[0, 1] < -20


@pytest.mark.parametrize(
    ("task", "prompt", "said"),
    [
        (TASK, "label", "the prompt 'label' asks for one label, and task 'emotions' takes several"),
        (
            Task("t", ["a", "none"], kind="multi"),
            "label_names",
            "says 'none' where no label applies, and so is a label of task 't' called",
        ),
    ],
)
def test_what_a_prompt_does_not_ask_is_refused(task, prompt, said, tiny_hf):
    with pytest.raises(ConfigError, match=said):
        make_prompts(task, load_prompt(prompt), tiny_hf)


def test_a_task_of_one_label_is_refused(tiny_hf):
    with pytest.raises(ConfigError, match="the prompt label_names works with several labels"):
        NamedFirstPrompts(Task("t", ["a", "b"]), load_prompt("label_names"), tiny_hf)


def test_the_word_for_none_can_be_another(tiny_hf):
    task = Task("t", ["a", "none"], kind="multi")
    template = load_prompt("label_names").with_values({"none_word": "nothing"})
    prompts = make_prompts(task, template, tiny_hf, "completion")
    assert prompts.candidates == [" a", " none", " nothing"]
    assert "Several may apply, or nothing." in prompts.build(ITEMS[0]).prompt
