"""A trained learner behind HTTP, in the shape that Label Studio expects of a model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from llmal.core.fingerprint import digest
from llmal.errors import ConfigError, DataError, LlmalError
from llmal.integrations.http_serving import check_installed, listening, serve_app
from llmal.learners.saved import TextClassifier

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger("llmal.integrations")

MOST_TEXTS = 1000
"""Texts in one request."""


@dataclass(frozen=True)
class Labelling:
    """What a labelling page asks, and of which field.

    Attributes:
        choices: The name of its choices.
        shown: The name of what they are about.
        field: The field of a task that holds the text.
        values: The labels that can be chosen; empty where the page does not list them.
    """

    choices: str
    shown: str
    field: str
    values: tuple[str, ...]


def read_labelling(config: str) -> Labelling:
    """The first choices about a text in a labelling configuration of Label Studio.

    Raises:
        DataError: It is no XML, or has no choices about a text.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise DataError(f"the labelling configuration is no XML ({error})") from error
    texts = {one.get("name"): one.get("value", "") for one in root.iter("Text")}
    for choices in root.iter("Choices"):
        shown = choices.get("toName", "")
        if shown in texts and choices.get("name"):
            values = [one.get("value", "") for one in choices.iter("Choice")]
            field = texts[shown].removeprefix("$")
            return Labelling(choices.get("name", ""), shown, field, tuple(values))
    raise DataError(
        "the labelling configuration has no Choices about a Text",
        fix='add <Text name="text" value="$text"/> and <Choices name="label" toName="text">',
    )


class LearnerServer:
    """Answers of a trained classifier.

    Args:
        classifier: Takes texts and gives labels.
    """

    def __init__(self, classifier: TextClassifier) -> None:
        self.classifier = classifier
        kind = type(classifier.learner).__name__
        self.version = f"{kind}-{digest(classifier.source, 4).hex()}"

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """For each text its label, or labels, and the probability of every label.

        Raises:
            DataError: They are too many at once, not strings, or empty.
        """
        if len(texts) > MOST_TEXTS:
            raise DataError(f"{len(texts):,} texts in one request",
                            fix=f"send {MOST_TEXTS:,} at most")  # fmt: skip
        for number, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                raise DataError(f"text {number} is a {type(text).__name__}, not a string")
            if not text.strip():
                raise DataError(f"text {number} is empty", fix="leave it out")
        table = self.classifier.predict_proba(list(texts))
        answers = self.classifier.answers(table)
        return [
            {
                "label": answer,
                "probabilities": dict(zip(self.classifier.labels, row.tolist(), strict=True)),
            }
            for answer, row in zip(answers, table, strict=True)
        ]

    def predict_tasks(
        self, tasks: Sequence[Mapping[str, Any]], config: str
    ) -> list[dict[str, Any]]:
        """Predictions for tasks of Label Studio.

        Args:
            tasks: Each with its `data`.
            config: The labelling configuration of the project.

        Raises:
            DataError: A task has no text, or the page cannot show the labels.
        """
        page = read_labelling(config)
        labels = self.classifier.labels
        missing = sorted(set(labels) - set(page.values)) if page.values else []
        if len(missing) == len(labels):
            raise DataError(
                f"no label of the learner ({', '.join(labels[:5])}) is among the choices "
                f"({', '.join(page.values[:5])})",
                fix="spell the choices of the labelling configuration as the learner does",
            )
        texts = []
        for number, task in enumerate(tasks, start=1):
            given: Any = task  # as it came over the wire
            data = given.get("data") if isinstance(given, Mapping) else None
            text = data.get(page.field) if isinstance(data, Mapping) else None
            if not isinstance(text, str) or not text.strip():
                id = given.get("id", number) if isinstance(given, Mapping) else number
                raise DataError(
                    f"task {id} has no text in {page.field!r}",
                    fix="check the field that the labelling configuration shows",
                )
            texts.append(text)
        return [self._prediction(one, page) for one in self.predict(texts)]

    def _prediction(self, said: Mapping[str, Any], page: Labelling) -> dict[str, Any]:
        label = said["label"]
        names = [label] if isinstance(label, str) else list(label)
        # The page sorts by score and shows the lowest first: what the learner is least sure of.
        score = min((said["probabilities"][name] for name in names), default=0.0)
        result = {
            "from_name": page.choices,
            "to_name": page.shown,
            "type": "choices",
            "value": {"choices": names},
            "score": score,
        }
        return {"result": [result], "score": score, "model_version": self.version}

    def app(self) -> FastAPI:
        """The routes `/predict` (texts, or tasks of Label Studio), `/setup`, `/health`, `/webhook`.

        Raises:
            ConfigError: FastAPI is not installed.
        """
        try:
            from fastapi import Body, FastAPI
            from fastapi.responses import JSONResponse
        except ImportError as error:
            raise ConfigError(
                "FastAPI is not installed", fix="pip install 'llmal[serve]'"
            ) from error
        made = FastAPI(title="llmal", docs_url=None, redoc_url=None, openapi_url=None)
        kind = type(self.classifier.learner).__name__

        @made.exception_handler(LlmalError)
        def refused(request: Any, error: LlmalError) -> JSONResponse:
            return JSONResponse({"error": str(error)}, status_code=422)

        @made.get("/")
        @made.get("/health")
        def health() -> dict[str, str]:
            return {"status": "UP", "model_class": kind}

        @made.post("/setup")
        def setup(body: dict[str, Any] = Body(default={})) -> dict[str, str]:
            return {"model_version": self.version}

        @made.post("/predict")
        def predict(body: dict[str, Any] = Body()) -> dict[str, Any]:
            tasks, texts = body.get("tasks"), body.get("texts")
            if isinstance(tasks, list):
                config = body.get("label_config")
                if not isinstance(config, str):
                    raise DataError("there is no label_config beside the tasks")
                return {"results": self.predict_tasks(tasks, config)}
            if isinstance(texts, list):
                return {"predictions": self.predict(texts), "model_version": self.version}
            raise DataError("there is nothing to label",
                            fix='send {"texts": ["…"]}, or tasks as Label Studio does')  # fmt: skip

        @made.post("/webhook")
        def webhook(body: dict[str, Any] = Body(default={})) -> dict[str, Any]:
            logger.info("webhook %s: nothing is trained here", body.get("action"))
            return {}

        return made


def serve(classifier: TextClassifier, host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Serve a classifier until it is interrupted.

    Args:
        classifier: Takes texts and gives labels.
        host: Where to listen.
        port: The port.
        on_ready: Called once the port is ours.

    Raises:
        ConfigError: FastAPI or uvicorn is not installed, or the port cannot be had.
    """
    check_installed()
    app = LearnerServer(classifier).app()
    with listening(host, port) as made:
        on_ready()
        serve_app(app, made)
