"""SIGKILL at any moment: nothing that was answered is lost, and the end is the same."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import kill_and_resume as killing
import pytest
from counting_proxy import CountingProxy

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import LLMAnnotator
from llmal.errors import ServerError
from llmal.learners import LinearHead
from llmal.lm import VLLM
from llmal.selectors import Random


@pytest.mark.slow
def test_killed_runs_end_like_an_undisturbed_one(tmp_path: Path, shared: Path, vllm: VLLM) -> None:
    data = shared / "data" / "trec6" / "train.jsonl.gz"
    proxy = CountingProxy(vllm.urls[0].removesuffix("/v1"))
    rng = random.Random(5)
    config = killing.write_inputs(tmp_path, data, proxy.url, 150, "whole")
    begun = time.monotonic()
    killing.finish(killing.start(config))
    length = time.monotonic() - begun
    wanted = killing.content(tmp_path / "whole")
    prompts = len(proxy.asked)
    assert max(proxy.asked.values()) == 1
    for number in range(3):
        proxy.reset()
        config = killing.write_inputs(tmp_path, data, proxy.url, 150, f"killed-{number}")
        process = killing.start(config)
        time.sleep(rng.uniform(0.3, 0.95) * length)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        killing.finish(killing.start(config))
        assert killing.content(tmp_path / f"killed-{number}") == wanted
        assert len(proxy.asked) == prompts
    proxy.close()


@pytest.mark.slow
def test_a_server_that_goes_away(tmp_path: Path, shared: Path, vllm: VLLM) -> None:
    rows = Pool.from_file(shared / "data" / "trec6" / "train.jsonl.gz", gold="label")
    pool = rows[:192]
    task = Task(name="trec", labels=sorted(pool.gold_counts()))
    proxy = CountingProxy(vllm.urls[0].removesuffix("/v1"))

    def run(url: str, *, fail: bool) -> Orchestrator:
        lm = VLLM(url, patience=1.0)
        annotator = LLMAnnotator(task, lm, style="completion", batch_size=64, calibrate=None)

        def on_event(event) -> None:
            if fail and event.kind == "progress" and event.data.get("done") == 128:
                proxy.close()

        return Orchestrator(
            task,
            pool,
            directory=tmp_path / "run",
            annotator=annotator,
            lm=lm,
            learner=LinearHead(),
            selector=Random(),
            start=Random(),
            objective="labels",
            guarantee="off",
            budget=Budget(batch=50),
            callbacks=[on_event],
        )

    with pytest.raises(ServerError, match="all answers so far are kept"):
        run(proxy.url, fail=True).run()
    second = CountingProxy(vllm.urls[0].removesuffix("/v1"))
    result = run(second.url, fail=False).run()
    assert len(result.annotations) == 192
    assert sum(second.asked.values()) == 192 - 128
    second.close()
