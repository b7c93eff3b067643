"""The task's messages; a real task has them in ``protos/``."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.rpc import Rpc

PATH = "/toy/photo-difference"
MEAN = "X-Mean-Difference"

_STRING, _BYTES, _UINT64, _DOUBLE, _MESSAGE = 9, 12, 4, 1, 11
_FILE = descriptor_pb2.FileDescriptorProto(
    name="toy.proto", package="toy", syntax="proto3", dependency=[pb.DESCRIPTOR.name]
)


def _message(name: str, *fields: tuple[str, int, int, str]) -> None:
    message = _FILE.message_type.add(name=name)
    for field_name, number, kind, type_name in fields:
        message.field.add(
            name=field_name, number=number, type=kind, type_name=type_name or None, label=1
        )


_message(
    "Request",
    ("first", 1, _BYTES, ""),
    ("second", 2, _BYTES, ""),
    ("model_backend", 3, _STRING, ""),
    ("gain", 4, _DOUBLE, ""),
)
_message(
    "Response",
    ("difference", 1, _MESSAGE, ".vizion3d.lifting.PackedArray"),
    ("mean", 2, _DOUBLE, ""),
)
_message(
    "Outcome",
    ("index", 1, _UINT64, ""),
    ("result", 2, _MESSAGE, ".toy.Response"),
    ("error", 3, _MESSAGE, ".vizion3d.lifting.FrameError"),
)
_FILE.message_type[2].oneof_decl.add(name="outcome")
for _field in _FILE.message_type[2].field[1:]:
    _field.oneof_index = 0
descriptor_pool.Default().Add(_FILE)


def _class(name: str) -> Any:
    found = descriptor_pool.Default().FindMessageTypeByName(f"toy.{name}")
    return message_factory.GetMessageClass(found)


Request, Response, Outcome = _class("Request"), _class("Response"), _class("Outcome")

RPC = Rpc(
    service="toy.ToyService",
    unary="RunPhotoDifference",
    request=Request,
    response=Response,
    stream="StreamPhotoDifference",
    outcome=Outcome,
)
