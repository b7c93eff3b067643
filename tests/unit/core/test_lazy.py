import json
from collections.abc import Sequence

import pytest

from vizion3d.core.lazy import LazySequence, attributes, later, load


def test_an_object_is_found_by_its_path_and_of_its_kind() -> None:
    assert load("json:JSONDecodeError", type) is json.JSONDecodeError
    with pytest.raises(TypeError, match="json:dumps must be a str, it is a function"):
        load("json:dumps", str)


def test_a_function_is_imported_when_it_is_called() -> None:
    missing = later("no_such_module:function")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        missing()
    assert later("json:dumps")([1]) == "[1]"


def test_a_module_has_the_names_that_live_elsewhere() -> None:
    find = attributes("ours", {"dumps": "json", "missing": "no_such_module"})
    assert find("dumps") is json.dumps
    with pytest.raises(ModuleNotFoundError):
        find("missing")
    with pytest.raises(AttributeError, match="module 'ours' has no attribute 'loads'"):
        find("loads")


def test_a_sequence_imports_what_is_reached() -> None:
    found: Sequence[object] = LazySequence("json:dumps", "json:loads", "no_such_module:function")
    assert (len(found), found[0], list(found[:2])) == (3, json.dumps, [json.dumps, json.loads])
    assert next(iter(found)) is json.dumps
    with pytest.raises(ModuleNotFoundError):
        list(found)
