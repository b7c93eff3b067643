"""Settings of the library, each read from an environment variable ``VIZION3D_<NAME>``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from vizion3d.core.limits import DEFAULT_MAX_PIXELS
from vizion3d.core.validation import explain
from vizion3d.errors import InvalidConfigError

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
Licences = Literal["any", "permissive"]
RuntimeName = Literal["auto", "openvino", "torch", "onnxruntime"]


class Settings(BaseSettings):
    """Where models are kept and how they are run.

    Attributes:
        model_cache: Folder of downloaded checkpoints.
        offline: Refuse every download, and say how to make it by hand.
        device: ``auto`` (CUDA, else MPS, else CPU), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        runtime: What runs the network: ``torch``, ``openvino`` or ``onnxruntime`` (both on the CPU
            only), or ``auto``: OpenVINO on a CPU, torch on a GPU.
        precision: Arithmetic of the network; ``auto`` is fp16 on CUDA, bf16 on CPUs that compute in
            it natively (OpenVINO), and fp32 elsewhere; ``int8`` is for Depth Anything V2
            on OpenVINO.
        max_pixels: Largest image that is decoded, in pixels.
        max_loaded_models: How many models stay in memory; the least recently used one goes first.
        licences: Licences of weights that are accepted: ``any``, or ``permissive``, which refuses
            the others before they are downloaded or loaded.
        licence_of: ``FILE=SPDX``, separated by commas: licences of files that the catalogue does
            not know.
    """

    model_config = SettingsConfigDict(
        env_prefix="VIZION3D_", frozen=True, protected_namespaces=(), env_ignore_empty=True
    )

    model_cache: Path = Path("~/.cache/vizion3d/models")
    offline: bool = False
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    runtime: RuntimeName = "auto"
    precision: Precision = "auto"
    max_pixels: int = Field(DEFAULT_MAX_PIXELS, gt=0)
    max_loaded_models: int = Field(2, gt=0)
    licences: Licences = "any"
    licence_of: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("licence_of", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        lines = given.split(",") if isinstance(given, str) else given
        for line in lines if isinstance(lines, list | tuple) else ():
            file, _, licence = str(line).rpartition("=")
            if not (file and licence):
                raise ValueError(f"{line!r} is not of the form FILE=SPDX")
        return lines

    @field_validator("model_cache")
    @classmethod
    def _expand(cls, path: Path) -> Path:
        try:
            return path.expanduser()
        except RuntimeError as error:  # an unknown user's home
            raise ValueError(f"{error}: {path}") from error


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment; ``overrides`` that are not None win.

    Raises:
        InvalidConfigError: A variable has a value that makes no sense; the message names both.
    """
    try:
        # pydantic checks the types of what is handed in.
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise InvalidConfigError(f"settings (VIZION3D_* variables): {explain(error)}") from error
