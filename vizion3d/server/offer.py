"""Which models a client may name."""

from dataclasses import replace

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.checkpoints.queries import ModelInfo, ModelInfoQuery
from vizion3d.core.cqrs import QueryBus
from vizion3d.errors import ModelNotAllowedError
from vizion3d.server.settings import ServerSettings


class ModelOffer:
    """The models that a server was told to offer, by the very words that it was told.

    A name from outside is only ever compared with these: it opens no file and no connection.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.default = settings.depth_model or DEFAULT_DEPTH_MODEL_URL
        self.names = tuple(dict.fromkeys((self.default, *settings.allow_models)))

    def choose(self, model_backend: str | None) -> str:
        """The model that a request names; the default if it names none.

        Raises:
            ModelNotAllowedError: It is not offered.
        """
        if not model_backend:
            return self.default
        if model_backend not in self.names:
            shown = model_backend if len(model_backend) <= 80 else model_backend[:77] + "..."
            raise ModelNotAllowedError(
                f"this server does not offer the model {shown!r}; leave model_backend out, or take "
                "one of those that GET /models or ListModels answers"
            )
        return model_backend

    def describe(self, queries: QueryBus) -> list[ModelInfo]:
        """What is known of each, the default first; its name is what to write for it."""
        infos = [(name, queries.dispatch(ModelInfoQuery(name))) for name in self.names]
        return [replace(info, name=name) for name, info in infos]
