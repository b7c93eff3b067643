import inspect
import re

from vizion3d import errors


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"^[ │├└─]*(\w+Error)", errors.__doc__, re.MULTILINE))
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert drawn == defined == set(errors.__all__)


def test_every_error_descends_from_the_root() -> None:
    assert all(issubclass(getattr(errors, n), errors.Vizion3DError) for n in errors.__all__)
    assert issubclass(errors.DownloadError, errors.CheckpointError)
