"""Synthetic items as instruction data, in the form of chat messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmal.core.records import Item, SyntheticItem
from llmal.core.tables import check_place, write_in_place
from llmal.errors import ConfigError
from llmal.generators.record import SyntheticRecord
from llmal.generators.rows import texts_of
from llmal.prompting.asking import default_prompt
from llmal.prompting.templates import PromptTemplate
from llmal.task import Task
from llmal.task.spaces import refuse_unless


def write_chat(path: Path, record: SyntheticRecord, *, force: bool = False) -> Path:
    """Write the accepted items, a line of JSON for each: {"messages": [...]}.

    The messages are those by which llmal asks a chat model for a label, with the label as the
    answer: what is trained on them is asked the same way by `llmal.annotate`.

    Args:
        path: A file whose name ends in .jsonl.
        record: The items.
        force: Replace a file that is there.

    Raises:
        ConfigError: Something is there already, the name ends otherwise, or an item takes several
            labels, which a model is not asked for in one answer.
        LlmalError: The file cannot be written.
    """
    check_chat(path, force=force)
    refuse_unless(record.task, ("single",), "the export as chat messages")
    template = default_prompt(record.task)

    def write(part: Path) -> int:
        with part.open("w", encoding="utf-8", errors="replace", newline="\n") as out:
            for item in record.accepted:
                content = {"messages": messages(item, record.task, template)}
                out.write(json.dumps(content, ensure_ascii=False) + "\n")
        return len(record.accepted)

    write_in_place(path, write)
    return path


def check_chat(path: Path, *, force: bool) -> None:
    """See that the file can be written, before work is spent on it.

    Raises:
        ConfigError: Something is there already, or its name does not end in .jsonl.
    """
    if path.suffix.lower() != ".jsonl":
        raise ConfigError(
            "chat messages are lines of JSON", where=str(path), fix="end the name in .jsonl"
        )
    check_place(path, force=force, option="--chat")


def messages(item: SyntheticItem, task: Task, template: PromptTemplate) -> list[dict[str, Any]]:
    """What a chat model is asked about an item, and the answer."""
    words = [label.verbalizers[0] for label in task.labels]
    asked = template.render(
        "chat",
        task=task,
        labels=words,
        item=Item(item.id, item.text, texts_of(item, task.text)),
        demonstrations=[],
    )
    word = words[task.index(item.label)]
    answer = template.candidates("chat", [word])[0]
    assert not isinstance(asked, str), "the chat form is a list of messages"
    return [*(dict(one) for one in asked), {"role": "assistant", "content": answer}]
