"""The public contract as data: the REST document, the wire's messages, and every option."""

import re
from typing import Any

import typer
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.json_format import MessageToDict
from typer.testing import CliRunner

_FRAME = re.compile("[─-╿]")


def messages(descriptor: Any) -> dict[str, Any]:
    """Every field, number and type of a proto file, and its RPCs; keyed by name, not by place."""
    file = FileDescriptorProto()
    descriptor.CopyToProto(file)
    told = MessageToDict(file)
    return {
        "package": told["package"],
        "messages": {m["name"]: _message(m) for m in told["messageType"]},
        "services": {s["name"]: {m["name"]: m for m in s["method"]} for s in told["service"]},
    }


def _message(message: dict[str, Any]) -> dict[str, Any]:
    fields = {f["name"]: _field(f) for f in message.get("field", [])}
    return {"fields": fields, "reserved": message.get("reservedRange", [])}


def _field(field: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in field.items() if name != "oneofIndex"}


def help_lines(app: typer.Typer, *arguments: str) -> list[str]:
    """What ``--help`` prints, wide, without frames and runs of spaces."""
    wide = {"COLUMNS": "400", "TERMINAL_WIDTH": "400", "NO_COLOR": "1", "TERM": "dumb"}
    shown = CliRunner().invoke(app, [*arguments, "--help"], env=wide)
    assert shown.exit_code == 0, shown.output
    lines = (" ".join(_FRAME.sub(" ", line).split()) for line in shown.output.splitlines())
    return [line for line in lines if line and not line.startswith("Usage:")]


def program_of(function: Any) -> typer.Typer:
    """A function as the program that it is the only command of."""
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return app
