"""What is asked: the task, its labels, and which label a word in a file means."""

from __future__ import annotations

from llmal.task.spaces import TaskKind
from llmal.task.task import Label, Task

__all__ = ["Label", "Task", "TaskKind"]
