import contextvars
from concurrent.futures import ThreadPoolExecutor

from vizion3d.core.remarks import current_remarks, remarks


def test_what_is_remarked_in_a_thread_of_the_request_is_collected() -> None:
    with remarks() as collected, ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        pool.submit(context.run, lambda: current_remarks().update(model="nano")).result()
    assert collected == {"model": "nano"}


def test_outside_of_a_request_remarks_go_nowhere() -> None:
    current_remarks()["model"] = "nano"
    assert current_remarks() == {}


def test_requests_do_not_see_each_others() -> None:
    with remarks() as outer:
        with remarks() as inner:
            current_remarks()["a"] = 1
        current_remarks()["b"] = 2
    assert (outer, inner) == ({"b": 2}, {"a": 1})
