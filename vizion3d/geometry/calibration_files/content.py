"""The text of a calibration file as fields, whichever of the formats it is in."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import yaml

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration_files.numbers import NUMBER

CalibrationInput: TypeAlias = str | os.PathLike[str] | bytes

MAX_BYTES = 1_000_000

_MATRIX_ROW = re.compile(r"^\s*(\w+)\s*=\s*(.+?)\s*$", re.MULTILINE)


def text_of(source: CalibrationInput) -> tuple[str, str]:
    """What to call a calibration, and its text."""
    if isinstance(source, bytes):
        name, content = "the calibration", source
    else:
        path = Path(source)
        name = path.name
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise InvalidConfigError(
                f"the calibration {path} cannot be read: {error.strerror or error}"
            ) from error
    if len(content) > MAX_BYTES:
        raise InvalidConfigError(f"{name} is larger than {MAX_BYTES:,} bytes; it is no calibration")
    try:
        return name, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidConfigError(f"{name} is not a text file, so no calibration") from error


def fields_of(text: str, name: str) -> dict[str, Any] | None:
    """Field -> value, names in lower case; ``None``: bare numbers."""
    stripped = text.lstrip()
    if stripped.startswith("<"):
        return _xml_fields(stripped, name)
    if re.search(r"^\s*cam0\s*=", text, re.MULTILINE):
        return _middlebury_fields(text, name)
    if re.fullmatch(rf"[\s\[\],;]*(?:{NUMBER}[\s\[\],;]*)+(?:#.*)?", text) or re.search(
        r"^\s*baseline(_mm|_m)?\s*[:=]", text, re.MULTILINE | re.IGNORECASE
    ):
        return None
    try:
        loaded = yaml.load(re.sub(r"\A%YAML:1\.0", "", stripped), _Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidConfigError(f"{name} is no calibration that can be read: {reason}") from error
    if not isinstance(loaded, Mapping):
        raise InvalidConfigError(
            f"{name} is no calibration: neither Middlebury, OpenCV, ROS or Kalibr fields nor a "
            "matrix of nine numbers"
        )
    return _lower(loaded)


def _lower(fields: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(key).lower(): _lower(value) if isinstance(value, Mapping) else value
        for key, value in fields.items()
    }


class _Loader(yaml.SafeLoader):
    """Safe YAML, and OpenCV's matrices in it; no aliases, whose expansion has no bounds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("it has aliases (*name), which calibrations do not need")
        return super().compose_node(parent, index)


def _opencv_matrix(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if not isinstance(node, yaml.MappingNode):
        raise yaml.YAMLError("an opencv-matrix is a mapping")
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:opencv-matrix", _opencv_matrix)


def _xml_fields(text: str, name: str) -> dict[str, Any]:
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL):
        raise InvalidConfigError(f"{name}: XML with a DOCTYPE or entities is not read")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (nothing is declared in it, see above)
    except ElementTree.ParseError as error:
        raise InvalidConfigError(f"{name} is damaged XML: {error}") from error

    def value(node: ElementTree.Element) -> Any:
        if len(node):
            return {child.tag.lower(): value(child) for child in node}
        content = (node.text or "").strip()
        numbers = content.split()
        return content if len(numbers) == 1 else numbers

    return {child.tag.lower(): value(child) for child in root}


def _middlebury_fields(text: str, name: str) -> dict[str, Any]:
    found = {key.lower(): value for key, value in _MATRIX_ROW.findall(text)}
    size = {key: found[key] for key in ("width", "height") if key in found}
    for camera in ("cam0", "cam1"):
        if camera not in found:
            raise InvalidConfigError(f"{name} has no line {camera}=[...]")
        found[camera] = {"k": re.findall(NUMBER, found[camera]), **size}
    return found
