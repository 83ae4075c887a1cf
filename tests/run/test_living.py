"""Whatever changes half-way: no answer of a person is lost, and what stands is what they said."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from drawn_examples import few_and_many, try_examples
from hypothesis import strategies as st
from living_project import CONFIGURATIONS, Killed, Project

ACTIONS = (
    *("tell", "tell", "tell some", "tell unasked", "correct"),
    *("change task", "change task", "change pool", "leave", "kill"),
)


def _do(project: Project, action: str) -> None:
    if action == "tell":
        project.tell()
    elif action == "tell some":
        project.tell(0.5)
    elif action == "tell unasked":
        project.tell_unasked()
    elif action == "correct":
        project.correct()
    elif action == "change task":
        project.change_task()
    elif action == "change pool":
        project.change_pool()
    elif action == "leave":
        project.campaign.close()
        project.campaign = project.opened()
    else:
        project.fuse = project.rng.randint(0, 4)


def _loses_nothing(name: str, actions: list[str], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        project = Project(name, place / "run", place / "cache", random.Random(seed))
        for action in actions:
            try:
                _do(project, action)
            except Killed:
                project.campaign.close()
                project.fuse = None
                project.campaign = project.opened()
            project.check()
        project.fuse = None
        project.finish()
        project.campaign.close()


@few_and_many(4, 12)
def test_no_answer_of_a_person_is_lost_and_the_last_ones_stand(examples: int) -> None:
    try_examples(
        _loses_nothing,
        examples,
        name=st.sampled_from(sorted(CONFIGURATIONS)),
        actions=st.lists(st.sampled_from(ACTIONS), min_size=6, max_size=22),
        seed=st.integers(0, 2**16),
    )
