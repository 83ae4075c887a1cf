"""What is asked: the task, its labels, and which label a word in a file means."""

from __future__ import annotations

from llmal.task.task import Label, Task, TaskKind

__all__ = ["Label", "Task", "TaskKind"]
