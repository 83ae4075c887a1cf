"""`llmal review`: mistakes, each in one sentence. What it serves is tested in tests/web."""

from __future__ import annotations

import socket

import pytest

PEOPLE = {"name": "human", "via": "queue"}


def _said(result) -> str:
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


def test_a_folder_that_is_no_run_is_named(llmal, tmp_path):
    said = _said(llmal("review", tmp_path, "--no-browser"))
    assert "there is no config.yaml, so this is no run directory" in said


@pytest.mark.parametrize(
    ("annotator", "sentence"),
    [
        ("similarity", "nobody who labels in this run is a person"),
        ({"name": "human", "via": "gold"}, "played by the gold column"),
    ],
)
def test_a_run_without_people_has_no_page(project, llmal, annotator, sentence):
    assert sentence in _said(llmal("review", project(annotator=annotator), "--no-browser"))


def test_a_wrong_option_is_named(project, llmal):
    path = project(annotator=PEOPLE)
    assert "--suggestions is 'sometimes'; use after, before, never" in _said(
        llmal("review", path, "--no-browser", "--suggestions", "sometimes")
    )
    assert "is no name for a person" in _said(
        llmal("review", path, "--no-browser", "--name", " anna")
    )


def test_a_port_in_use_is_one_sentence(project, llmal):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = _said(llmal("review", project(annotator=PEOPLE), "--no-browser", "--port", port))
    assert f"nothing can listen at 127.0.0.1, port {port}" in said
