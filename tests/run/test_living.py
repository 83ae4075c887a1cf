"""Whatever changes half-way: no answer of a person is lost, and what stands is what they said."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from living_project import CONFIGURATIONS, Killed, Project

EXAMPLES = int(os.environ.get("LLMAL_TEST_INTERLEAVINGS", "12"))
"""How many sequences are tried; 200 take minutes."""

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


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    name=st.sampled_from(sorted(CONFIGURATIONS)),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=6, max_size=22),
    seed=st.integers(0, 2**16),
)
def test_no_answer_of_a_person_is_lost_and_the_last_ones_stand(
    name: str, actions: list[str], seed: int
) -> None:
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
