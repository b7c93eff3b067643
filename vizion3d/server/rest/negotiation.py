"""Which of several media types a client prefers (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence


def choose(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type that the ``Accept`` header likes best; the first of equals.

    Parameters of a media type count where one is offered with them (``model/gltf-binary;
    content=mesh``); others are passed over.

    Returns:
        ``None`` if it accepts none of them.
    """
    told = {_plain(media_type) for media_type in offered}
    parsed = (_parse(part) for part in accept.split(",") if part.strip())
    wanted = [(w if w in told else _essence(w), q) for w, q in parsed] or [("*/*", 1.0)]
    best, best_quality = None, 0.0
    for media_type in offered:
        quality = _quality(media_type, wanted)
        if quality > best_quality:
            best, best_quality = media_type, quality
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an ``Accept-Encoding`` header asks for gzip (RFC 9110, section 12.5.3)."""
    wanted = dict(_parse(part) for part in accept_encoding.split(","))
    return wanted.get("gzip", 0.0) > 0


def _parse(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    kept, quality = [media_range], 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
        else:
            kept.append(parameter)
    return ";".join(kept), quality


def _plain(media_type: str) -> str:
    return _parse(media_type)[0]


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0]


def _quality(media_type: str, wanted: list[tuple[str, float]]) -> float:
    """The quality of the most specific range that covers the media type."""
    plain = _plain(media_type)
    for media_range in (plain, _essence(plain), plain.split("/")[0] + "/*", "*/*"):
        for candidate, quality in wanted:
            if candidate == media_range:
                return quality
    return 0.0
