"""``serve run vizion3d.ray.app:build``: the servers as an application of Ray Serve."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from vizion3d.app import TASKS
from vizion3d.core.validation import ValidatedModel
from vizion3d.errors import InvalidConfigError
from vizion3d.ray.cluster import require_ray
from vizion3d.server.settings import ServerSettings

HTTP_NAME = "vizion3d"
_GRACE_S = 5.0
_DRAIN_CHECK_S = 0.2
_REPORTED_S = 10.0
"""How often Serve's controller hears of requests, unless it averages them over a short time."""


class Replicas(ValidatedModel):
    """How many replicas there are, and what each has.

    Attributes:
        min_replicas: That always are.
        max_replicas: That may be, as requests ask for it.
        target_ongoing_requests: Requests under way or waiting for each replica, above which there
            are to be more replicas, and below which fewer.
        upscale_delay_s: How long it must be so before there are more.
        downscale_delay_s: How long before there are fewer.
        look_back_period_s: Over which Ray averages the requests; a change shows after that long.
        cpus: Cores of each; each has its own. 0: every core of its machine.
        gpus: GPUs of each; 0.5: two share one.
        resources: Ray's own resources, that a node must have.
        max_queued_requests: That wait for a replica at each of Ray's proxies; more are refused at
            once.
        retry_after_s: What the refused are told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_replicas: Annotated[int, Field(ge=1)] = 1
    max_replicas: Annotated[int, Field(ge=1)] = 1
    target_ongoing_requests: Annotated[float, Field(gt=0)] = 4.0
    upscale_delay_s: Annotated[float, Field(ge=0)] = 30.0
    downscale_delay_s: Annotated[float, Field(ge=0)] = 600.0
    look_back_period_s: Annotated[float, Field(gt=0)] = 30.0
    cpus: Annotated[float, Field(ge=0)] = 1.0
    gpus: Annotated[float, Field(ge=0)] = 0.0
    resources: dict[str, float] = Field(default_factory=dict)
    max_queued_requests: Annotated[int, Field(ge=0)] = 16
    retry_after_s: Annotated[float, Field(ge=0)] = 1.0

    @property
    def cores(self) -> int:
        """Whole cores that a replica takes; with a GPU it needs none of its own."""
        return 0 if self.gpus else math.floor(self.cpus)


def build(arguments: Mapping[str, Any]) -> Any:
    """The application.

    Args:
        arguments: Fields of :class:`Replicas` and of
            :class:`vizion3d.server.settings.ServerSettings`; ``depth_model`` and ``stereo_model``,
            as the servers' flags: a list of several is a deployment for each. ``serve run`` gives
            them as ``name=value``, a Serve config as ``args``.

    Raises:
        InvalidConfigError: One makes no sense, or there is none of that name.
        MissingDependencyError: Ray is not installed.
    """
    require_ray()
    given = dict(arguments)
    told = {name: given.pop(name) for name in Replicas.model_fields if name in given}
    replicas = Replicas.model_validate(told)
    if replicas.max_replicas < replicas.min_replicas:
        raise InvalidConfigError(
            f"max_replicas ({replicas.max_replicas}) is less than min_replicas "
            f"({replicas.min_replicas})"
        )
    chosen = {
        task.name: names
        for task in TASKS
        if (names := _names(given.pop(task.feature.model_option, None)))
    }
    settings = {"port": 0, **{name: _value(name, value) for name, value in given.items()}}
    if chosen:
        settings.setdefault("features", tuple(chosen))
    several = [name for name, models in chosen.items() if len(models) > 1]
    if len(several) > 1:
        raise InvalidConfigError(
            f"several models of {' and of '.join(several)}: deploy two applications"
        )
    if several:
        return _several(several[0], chosen, settings, replicas)
    settings["models"] = {name: models[0] for name, models in chosen.items()}
    checked = ServerSettings.model_validate(settings)
    return _deployment("ReadyReplica", HTTP_NAME, checked, replicas).bind(
        checked.model_dump(), replicas.cores
    )


def _several(
    task: str, chosen: Mapping[str, tuple[str, ...]], settings: dict[str, Any], replicas: Replicas
) -> Any:
    """A deployment for each model, and one in front of them that has none."""
    settings["allow_models"] = (*settings.get("allow_models", ()), *chosen[task])
    settings["models"] = {name: models[0] for name, models in chosen.items() if name != task}
    checked = ServerSettings.model_validate(settings)
    dumped = checked.model_dump()
    handles = {
        model: _deployment("ModelReplica", f"{HTTP_NAME}-{number}", checked, replicas).bind(
            dumped, task, model, replicas.cores
        )
        for number, model in enumerate(chosen[task])
    }
    front = replicas.model_copy(update={"gpus": 0.0, "cpus": 1.0, "max_replicas": 1})
    batch_size = checked.max_batch_size or 1
    room = (checked.max_queue + batch_size) * len(handles) - batch_size
    roomy = checked.model_copy(update={"max_queue": room})
    return _deployment("Replica", HTTP_NAME, roomy, front).bind(
        roomy.model_dump(), 0, handles, task
    )


def _deployment(kind: str, name: str, settings: ServerSettings, replicas: Replicas) -> Any:
    from ray import serve

    from vizion3d.ray import replica

    made: Any = getattr(replica, kind)
    if kind != "ModelReplica":
        made = serve.ingress()(made)
    batch_size = settings.max_batch_size or 1
    actor: dict[str, Any] = {"num_cpus": replicas.cpus, "num_gpus": replicas.gpus}
    if replicas.resources:
        actor["resources"] = replicas.resources
    scaling: dict[str, Any] = {"num_replicas": replicas.min_replicas}
    if replicas.max_replicas > replicas.min_replicas:
        scaling = {
            "autoscaling_config": {
                "min_replicas": replicas.min_replicas,
                "max_replicas": replicas.max_replicas,
                "target_ongoing_requests": replicas.target_ongoing_requests,
                "upscale_delay_s": replicas.upscale_delay_s,
                "downscale_delay_s": replicas.downscale_delay_s,
                "look_back_period_s": replicas.look_back_period_s,
                # Deprecated by Ray, which does not read yet what is to take its place.
                "metrics_interval_s": min(_REPORTED_S, replicas.look_back_period_s / 3),
            }
        }
    return serve.deployment(
        name=name,
        ray_actor_options=actor,
        # What a replica takes on; the rest waits at the proxy, or is refused there.
        max_ongoing_requests=settings.max_queue + batch_size,
        max_queued_requests=replicas.max_queued_requests,
        backpressure_config={"retry_after_s": replicas.retry_after_s},
        graceful_shutdown_timeout_s=settings.drain_timeout_s + _GRACE_S,
        graceful_shutdown_wait_loop_s=_DRAIN_CHECK_S,
        **scaling,
    )(made)


def _names(given: Any) -> tuple[str, ...]:
    if not given:
        return ()
    return tuple(given.split(",")) if isinstance(given, str) else tuple(given)


def _value(name: str, value: Any) -> Any:
    """A field's value; several are separated by commas where ``serve run`` gives a text."""
    field = ServerSettings.model_fields.get(name)
    if field is not None and field.annotation == tuple[str, ...] and isinstance(value, str):
        return tuple(value.split(","))
    return value
