"""A task over HTTP: a multipart form in; JSON, or the result in a binary form, out."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from vizion3d.core.cqrs import Command
from vizion3d.errors import MissingDependencyError
from vizion3d.outputs.facts import headers_of
from vizion3d.outputs.formats import Format, Lifted, by_media_type
from vizion3d.server.encoding import compress
from vizion3d.server.rest import negotiation, openapi
from vizion3d.server.rest.connection import while_connected
from vizion3d.server.service import Service

C = TypeVar("C", bound=Command[Any])
R = TypeVar("R")
L = TypeVar("L", bound=Lifted)

JSON = "application/json"


@dataclass(frozen=True)
class Asked(Generic[C]):
    """What a form asks for.

    Attributes:
        command: What to run; its ``model_backend`` is what the client wrote.
        parts: Which of the large parts a JSON answer is to have.
    """

    command: C
    parts: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Binary(Generic[C, R]):
    """A binary form of a result.

    Attributes:
        file_name: What a browser calls it.
        encode: Makes it of the result and its command.
        content_type: The header, where it says more than the media type.
        require: Raises :class:`~vizion3d.errors.MissingDependencyError` where it cannot be made.
    """

    file_name: str
    encode: Callable[[R, C], bytes]
    content_type: str = ""
    require: Callable[[], object] = lambda: None


def binary_forms(
    formats: Iterable[Format[L]], show: Callable[[R, C], L]
) -> dict[str, Binary[C, R]]:
    """The binary forms that the table of formats serves, by media type.

    Args:
        formats: The rows that a task offers.
        show: A result, and the command that it is of, as the rows' encoders see them.
    """

    def encoder(row: Format[L]) -> Callable[[R, C], bytes]:
        return lambda result, command: row.encode(show(result, command))

    rows = by_media_type(formats)
    return {
        kind: Binary(row.file_name, encoder(row), require=row.require) for kind, row in rows.items()
    }


def binary_headers(result: type[BaseModel]) -> dict[str, str]:
    """The headers of binary answers, which tell the facts of a result, and what each says."""
    return {name: f"{text} (binary answers)." for name, text in headers_of(result).items()}


@dataclass(frozen=True)
class Route(Generic[C, R]):
    """One task's route.

    Attributes:
        path: Where requests are sent.
        name: Of the operation, in generated clients.
        summary: One line for the documentation.
        description: More for the documentation.
        success: What an answer is, for the documentation.
        read: The dependency that reads the form; see :func:`vizion3d.server.rest.forms.form`.
        answer: The JSON answer's model.
        json: Makes the JSON answer.
        binary: Media type -> how it is made.
        facts: Name of a header of binary answers -> what it says; exposed to web pages.
        tell: The values of these headers.
    """

    path: str
    name: str
    summary: str
    description: str
    success: str
    read: Callable[..., Awaitable[Asked[C]]]
    answer: type[BaseModel]
    json: Callable[[R, Asked[C]], bytes]
    binary: Mapping[str, Binary[C, R]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[R], dict[str, str]] = lambda _: {}

    @property
    def media_types(self) -> tuple[str, ...]:
        """What it can answer; the first is what it answers where all are equal."""
        return (JSON, *self.binary)

    def choose(self, request: Request) -> str:
        """The media type that the client likes best.

        Raises:
            HTTPException: 406: none that it accepts is offered, or what makes it is not installed.
        """
        accept = ", ".join(request.headers.getlist("accept")) or JSON
        media_type = negotiation.choose(accept, self.media_types)
        if media_type is None:
            raise HTTPException(406, f"Accept must be one of {', '.join(self.media_types)}")
        if media_type in self.binary:
            try:
                self.binary[media_type].require()
            except MissingDependencyError as error:
                detail = f"this server cannot make {media_type}: {error}"
                raise HTTPException(406, detail) from error
        return media_type

    def encode(self, result: R, asked: Asked[C], media_type: str) -> tuple[bytes, dict[str, str]]:
        """The answer's body and headers."""
        if media_type == JSON:
            return self.json(result, asked), {}
        form = self.binary[media_type]
        headers = {"Content-Disposition": f'inline; filename="{form.file_name}"'}
        if form.content_type:
            headers["Content-Type"] = form.content_type
        return form.encode(result, asked.command), self.tell(result) | headers


def router_of(route: Route[Any, Any], service: Service) -> APIRouter:
    """The route, in front of the service."""
    router = APIRouter()

    async def endpoint(
        request: Request, asked: Annotated[Asked[Any], Depends(route.read)]
    ) -> Response:
        media_type = route.choose(request)
        # The binary forms hardly shrink: compressing them would take longer than sending them.
        zip_it = media_type == JSON and negotiation.accepts_gzip(
            request.headers.get("accept-encoding", "")
        )

        def encode(result: Any) -> tuple[bytes, dict[str, str]]:
            body, headers = route.encode(result, asked, media_type)
            if zip_it:
                body, headers = compress(body), headers | {"Content-Encoding": "gzip"}
            return body, headers | {"Vary": "Accept, Accept-Encoding"}

        body, headers = await while_connected(request, service.run(asked.command, encode))
        return Response(body, headers=headers, media_type=media_type)

    router.add_api_route(
        route.path,
        endpoint,
        methods=["POST"],
        name=route.name,
        summary=route.summary,
        description=route.description,
        response_class=Response,
        responses=openapi.task_responses(route.answer, route.success, route.binary, route.facts),
    )
    return router
