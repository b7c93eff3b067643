import json
import logging

import pytest

from vizion3d.server.log import request_id, set_up_log


@pytest.mark.parametrize("given", ["a", "0f-A_b.c", "x" * 64])
def test_a_plain_id_of_the_client_is_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "x" * 65, "a b", "a\nb", '"', "é", "\x00", "{}"])
def test_anything_else_gets_a_new_one(given: str | None) -> None:
    identity = request_id(given)
    assert identity != given
    assert len(identity) == 32
    assert request_id(given) != identity


def test_half_characters_of_a_client_stand_in_the_log_as_their_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_log("info")
    logging.getLogger("vizion3d.access").info("request", extra={"model": "a\ud800b"})
    line = json.loads(capsys.readouterr().err)
    assert line["model"] == "a\\ud800b"
