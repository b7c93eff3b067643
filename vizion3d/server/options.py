"""The command line of both servers, made from the settings and the features."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

import annotated_types
import typer
from pydantic.fields import FieldInfo

from vizion3d.errors import Vizion3DError
from vizion3d.server.log import set_up_log
from vizion3d.server.settings import FEATURES, Flag, Protocol, ServerSettings
from vizion3d.task import Feature


def command(
    protocol: Protocol,
    port: int,
    summary: str,
    serve: Callable[[ServerSettings], None],
    features: Sequence[Feature],
    settings: type[ServerSettings] = ServerSettings,
) -> Callable[..., None]:
    """The function that Typer makes a program of.

    Args:
        protocol: Whose flags it has.
        port: Where it listens if it is not told.
        summary: What ``--help`` says first.
        serve: What to do with the settings.
        features: What its flags select: none given, every one; any, only those.
        settings: Their fields are its flags.
    """

    def run(**given: Any) -> None:
        told = {name: value for name, value in given.items() if name in flags}
        start(serve, settings, {**_set(told), **_selection(features, given)})

    flags = dict(_parameters(settings, protocol, port))
    parameters = {**_feature_parameters(features), **flags}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # Typer reads it
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=value)
            for name, (kind, value) in parameters.items()
        ]
    )
    run.__annotations__ = {}  # all of them are in the signature
    run.__doc__ = summary
    run.__name__ = f"serve_{protocol}"
    return run


def start(
    serve: Callable[[ServerSettings], None],
    settings: type[ServerSettings],
    given: Mapping[str, object],
) -> None:
    """Check the settings, set up the log and serve; our errors end with their message and 1."""
    try:
        checked = settings.model_validate(given)
        set_up_log(checked.log_level)
        serve(checked)
    except Vizion3DError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def program(function: Callable[..., None]) -> typer.Typer:
    """A command as a program of its own, without other commands."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    return app


def _selection(features: Sequence[Feature], given: Mapping[str, Any]) -> dict[str, Any]:
    """The features that are selected, and the models that are loaded at the start."""
    models = {f.name: given[f.model_option] for f in features if given[f.model_option] is not None}
    names = tuple(f.name for f in features if given[f.name] or f.name in models)
    return {"features": names, "models": models}


def _set(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is set; what is not keeps the settings' own default."""
    return {name: value for name, value in given.items() if value is not None}


def _parameters(
    settings: type[ServerSettings], protocol: Protocol, port: int
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name, field in settings.model_fields.items():
        flag = next((item for item in field.metadata if isinstance(item, Flag)), None)
        if flag is None or flag.only not in (None, protocol):
            continue
        several = field.annotation == tuple[str, ...]
        default = port if name == "port" else None if several else field.default
        kind: Any = list[str] | None if several else field.annotation
        yield name, (Annotated[kind, _option(name, field, flag)], default)


def _option(name: str, field: FieldInfo, flag: Flag) -> Any:
    names = [flag.name] if flag.name else []
    if field.annotation is bool:
        hyphens = name.replace("_", "-")
        names = [f"--{hyphens}/--no-{hyphens}"]
    return typer.Option(
        *names,
        help=flag.help,
        rich_help_panel=flag.panel,
        envvar=flag.envvar,
        min=_lowest(field),
        max=_highest(field),
    )


def _lowest(field: FieldInfo) -> float | None:
    """The least value that is allowed; none is shown for a number that may only come close."""
    for item in field.metadata:
        if isinstance(item, annotated_types.Ge):
            return cast(float, item.ge)
        if isinstance(item, annotated_types.Gt) and field.annotation in (int, int | None):
            return cast(int, item.gt) + 1
    return None


def _highest(field: FieldInfo) -> float | None:
    bounds = [item.le for item in field.metadata if isinstance(item, annotated_types.Le)]
    return cast(float, bounds[0]) if bounds else None


def _feature_parameters(features: Sequence[Feature]) -> dict[str, tuple[Any, Any]]:
    parameters: dict[str, tuple[Any, Any]] = {}
    for feature in features:
        model = _flag(
            feature.model_option,
            "Checkpoint to load at the start: a path, a name or a URL. "
            f"Selects {feature.title}. {feature.without_model}",
        )
        chosen = _flag(feature.name, f"Serve {feature.title}; so does naming no feature.")
        parameters[feature.model_option] = Annotated[str | None, model], None
        parameters[feature.name] = Annotated[bool, chosen], False
    return parameters


def _flag(name: str, text: str) -> Any:
    """A flag in both spellings, with underscores and with hyphens."""
    names = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
    return typer.Option(*names, help=text, rich_help_panel=FEATURES)
