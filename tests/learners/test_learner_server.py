"""A trained learner behind HTTP: a real server, asked as Label Studio asks."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import llmal

LABELS = ("colour", "taste")
ROWS = [
    ("the red wall", "colour"),
    ("sour milk", "taste"),
    ("blue sky", "colour"),
    ("salty soup", "taste"),
] * 3
PAGE = """
<View>
  <Text name="body" value="$message"/>
  <Choices name="topic" toName="body"><Choice value="colour"/><Choice value="taste"/></Choices>
</View>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    llmal.train(ROWS, directory=folder)
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "llmal", "serve", str(folder), "--port", str(port)]
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, "the server has ended"
            try:
                httpx.get(f"{address}/health")
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def test_texts_get_labels_and_probabilities(url: str, folder: Path):
    texts = ["a green door", "sweet tea"]

    answer = httpx.post(f"{url}/predict", json={"texts": texts}).json()

    expected = llmal.load_learner(folder)
    assert [one["label"] for one in answer["predictions"]] == expected.predict(texts)
    first = answer["predictions"][0]["probabilities"]
    assert first == pytest.approx(dict(zip(LABELS, expected.predict_proba(texts)[0], strict=True)))


def test_tasks_of_label_studio_get_predictions_that_its_page_shows(url: str):
    assert httpx.get(f"{url}/health").json() == {"status": "UP", "model_class": "LinearHead"}
    version = httpx.post(f"{url}/setup", json={"project": "1.2", "schema": PAGE}).json()
    tasks = [{"id": 7, "data": {"message": "sour milk"}}]

    answer = httpx.post(f"{url}/predict", json={"tasks": tasks, "label_config": PAGE}).json()

    prediction = answer["results"][0]
    assert prediction["model_version"] == version["model_version"]
    assert prediction["result"][0]["from_name"] == "topic"
    assert prediction["result"][0]["to_name"] == "body"
    assert prediction["result"][0]["value"] == {"choices": ["taste"]}
    assert 0.5 < prediction["score"] <= 1
    assert httpx.post(f"{url}/webhook", json={"action": "ANNOTATION_CREATED"}).is_success


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "nothing to label"),
        ({"texts": ["a", 3]}, "text 2 is a int"),
        ({"texts": ["a", "  "]}, "text 2 is empty"),
        ({"tasks": [7], "label_config": PAGE}, "task 1 has no text"),
        ({"tasks": [{"id": 8, "data": {"message": " "}}], "label_config": PAGE}, "task 8 has no"),
        ({"texts": ["a"] * 1001}, "1,001 texts in one request"),
        ({"tasks": [{"id": 7, "data": {}}], "label_config": PAGE}, "task 7 has no text"),
        ({"tasks": [], "label_config": "<View>"}, "no XML"),
        ({"tasks": [], "label_config": "<View/>"}, "has no Choices about a Text"),
        ({"tasks": [], "label_config": PAGE.replace("colour", "x").replace("taste", "y")},
         "no label of the learner"),
        ({"tasks": []}, "no label_config"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_sentence(url: str, body: dict, sentence: str):
    answer = httpx.post(f"{url}/predict", json=body)

    assert answer.status_code == 422
    assert sentence in answer.json()["error"]


def test_a_port_in_use_is_one_sentence(url: str, folder: Path):
    port = url.rpartition(":")[2]

    done = subprocess.run(
        [sys.executable, "-m", "llmal", "serve", str(folder), "--port", port],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert f"nothing can listen at 127.0.0.1, port {port}" in done.stderr
    assert "answers at" not in done.stdout + done.stderr
