from __future__ import annotations

import subprocess
import sys

import pytest

from llmal.errors import ConfigError


@pytest.mark.parametrize("room", ["embed", "learners"])
def test_importing_the_room_loads_nothing_heavy(room: str):
    script = (
        f"import sys, llmal.{room} as room; assert room.REGISTRY.names();"
        "heavy = {'torch', 'sklearn', 'transformers', 'faiss', 'peft'} & set(sys.modules);"
        "assert not heavy, heavy"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_names_of_the_configuration_lead_to_classes():
    from llmal import embed, learners

    assert learners.REGISTRY.get("linear") is learners.LinearHead
    assert learners.REGISTRY.get("prompt_tuned") is learners.PromptTuned
    assert embed.REGISTRY.get("sentence") is embed.SentenceEmbedder
    with pytest.raises(ConfigError, match="did you mean 'linear'"):
        learners.REGISTRY.get("liner")
