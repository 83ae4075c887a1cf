"""What a learner is for other libraries, and the code that loads it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """What an exported folder holds.

    Attributes:
        library: What loads it, as the model hub calls it.
        task: What it does, as the model hub calls it.
        what: The same in a sentence.
        code: Python that loads it from its own folder, and defines `classifier`: from texts to a
            list for each, of a mapping with "label" and "score" for every label.
    """

    library: str
    task: str
    what: str
    code: str


def classifier_form() -> Form:
    """A whole model with a classification head."""
    return Form(
        "transformers",
        "text-classification",
        "A model and its tokenizer, for the pipeline `text-classification` of transformers.",
        """from transformers import pipeline

classifier = pipeline("text-classification", ".", top_k=None, truncation=True)
""",
    )


def head_adapter_form(names: Sequence[str], max_length: int) -> Form:
    """A PEFT adapter with a classification head.

    Args:
        names: The labels.
        max_length: Most tokens of a text.
    """
    return Form(
        "peft",
        "text-classification",
        "A PEFT adapter with a classification head; the base model is loaded from where it was.",
        f"""import torch
from peft import AutoPeftModelForSequenceClassification, PeftConfig
from transformers import AutoTokenizer

labels = {list(names)!r}
tokenizer = AutoTokenizer.from_pretrained(PeftConfig.from_pretrained(".").base_model_name_or_path)
model = AutoPeftModelForSequenceClassification.from_pretrained(
    ".", num_labels={len(names)}, dtype="float32"
).eval()


def classifier(texts):
    found = []
    for text in texts:  # one by one: a soft prompt and padding do not go together
        given = tokenizer(text, truncation=True, max_length={max_length}, return_tensors="pt")
        with torch.inference_mode():
            logits = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"])
        scores = logits.logits[0].softmax(0).tolist()
        found.append([{{"label": a, "score": b}} for a, b in zip(labels, scores)])
    return found
""",
    )


def words_form(
    paths: Mapping[str, Sequence[int]], before: str, around: str, max_length: int, *, adapter: bool
) -> Form:
    """A causal language model that goes on with the words of labels.

    Args:
        paths: The tokens of each label.
        before: What stands in front of the template.
        around: The template, with `{text}`.
        max_length: Most tokens of a text.
        adapter: Whether the folder holds a PEFT adapter, or the whole model.
    """
    if adapter:
        what = "A PEFT adapter of a causal language model, which is loaded from where it was."
        imports = """from peft import AutoPeftModelForCausalLM, PeftConfig
from transformers import AutoTokenizer
"""
        base = 'PeftConfig.from_pretrained(".").base_model_name_or_path'
        kind = "AutoPeftModelForCausalLM"
    else:
        what = "A causal language model and its tokenizer, for transformers or any model server."
        imports = "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        base, kind = '"."', "AutoModelForCausalLM"
    return Form(
        "peft" if adapter else "transformers",
        "text-generation",
        f"{what} Behind the prompt it goes on with the word of a label, and the probability of a "
        "label is that of all its tokens.",
        f"""import torch
{imports}
tokenizer = AutoTokenizer.from_pretrained({base})
model = {kind}.from_pretrained(".", dtype="float32").eval()
before = {before!r}
around = {around!r}
labels = { ({name: list(path) for name, path in paths.items()})!r}  # their tokens


def prompt(text):
    line = " ".join(text.split())
    places = tokenizer(line, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    if len(places) > {max_length}:
        line = line[: places[{max_length} - 1][1]]
    return before + around.replace("{{text}}", line)


def classifier(texts):
    found = []
    for text in texts:
        ids, scores = tokenizer(prompt(text)).input_ids, []
        for path in labels.values():
            given = torch.tensor([ids + path])
            with torch.inference_mode():
                logits = model(input_ids=given, attention_mask=torch.ones_like(given)).logits[0]
            steps = logits[-len(path) - 1 : -1].float().log_softmax(-1)
            scores.append(steps.gather(1, torch.tensor(path)[:, None]).sum())
        shares = torch.stack(scores).softmax(0).tolist()
        found.append([{{"label": a, "score": b}} for a, b in zip(labels, shares)])
    return found
""",
    )


def embedder_form(names: Sequence[str]) -> Form:
    """A scikit-learn classifier on the vectors of a sentence embedder.

    Args:
        names: The labels, in the order of the columns.
    """
    return Form(
        "sklearn",
        "text-classification",
        "A sentence-transformers model in `embedder/`, and a scikit-learn classifier of its "
        "vectors in `head.skops`, which holds types of scikit-learn and numpy alone and no pickle.",
        f"""from sentence_transformers import SentenceTransformer
from skops.io import load

labels = {list(names)!r}
embedder = SentenceTransformer("embedder")
head = load("head.skops")


def classifier(texts):
    rows = head.predict_proba(embedder.encode(texts, normalize_embeddings=True))
    return [[{{"label": a, "score": float(b)}} for a, b in zip(labels, row)] for row in rows]
""",
    )
