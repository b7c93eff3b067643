"""How many points are drawn while the view moves, by how long its frames take."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import Visit

LEVELS = """async (frames) => {
  const { Pace } = await import("/ui/js/pace.js");
  const pace = new Pace();
  return frames.map(([now, moving]) => pace.levelOf(now, moving));
}"""

ALL, QUARTER, SIXTEENTH = 2, 1, 0


@pytest.fixture
def page(visit: Callable[..., Visit]) -> Any:
    return visit().open().page


def movement(start_ms: float, step_ms: float, count: int) -> list[tuple[float, bool]]:
    return [(start_ms + step_ms * i, True) for i in range(count)]


def test_fast_frames_have_all_points(page: Any) -> None:
    assert set(page.evaluate(LEVELS, movement(1000, 16, 30))) == {ALL}


def test_slow_frames_have_fewer_and_a_view_at_rest_has_all(page: Any) -> None:
    slow = movement(1000, 200, 6)
    levels = page.evaluate(LEVELS, [*slow, (3000, False), *movement(4000, 16, 3)])
    assert levels[0] == ALL
    assert sorted(levels[:6], reverse=True) == levels[:6]
    assert levels[5] == SIXTEENTH
    assert levels[6] == ALL
    # The next movement tries with more again.
    assert levels[7:] == [QUARTER] * 3
