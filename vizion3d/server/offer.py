"""Which models a client may name."""

from collections.abc import Iterable
from dataclasses import replace

from vizion3d.checkpoints.queries import ModelInfo, ModelInfoQuery
from vizion3d.core.cqrs import QueryBus
from vizion3d.errors import ModelNotAllowedError


class ModelOffer:
    """The models that a server was told to offer for a task, by the very words that it was told.

    A name from outside is only ever compared with these: it opens no file and no connection.

    Args:
        default: Used where a request names none.
        others: May be named as well.
    """

    def __init__(self, default: str, others: Iterable[str] = ()) -> None:
        self.default = default
        self.names = tuple(dict.fromkeys((default, *others)))

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


def describe(offers: Iterable[ModelOffer], queries: QueryBus) -> list[tuple[ModelInfo, bool]]:
    """What is known of each offered model, and whether it is a task's default.

    The defaults come first; an info's name is what to write for it.
    """
    offers = list(offers)
    defaults = dict.fromkeys(offer.default for offer in offers)
    names = dict.fromkeys((*defaults, *(name for offer in offers for name in offer.names)))
    return [
        (replace(queries.dispatch(ModelInfoQuery(name)), name=name), name in defaults)
        for name in names
    ]
