"""The process of the REST server, with workers that only write down that they were built."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from functools import partial
from pathlib import Path
from vizion3d.programs.rest import create_app
from vizion3d.server.rest.process import serve
from vizion3d.server.settings import ServerSettings

def build(folder, settings):
    (folder / str(os.getpid())).touch()
    return create_app(settings)

if __name__ == "__main__":
    serve(partial(build, Path(sys.argv[1])), ServerSettings(port=0, workers=int(sys.argv[2])))
"""


@pytest.mark.process
@pytest.mark.parametrize("workers", [1, 2])
def test_an_application_is_built_in_each_process_that_serves_it_and_in_no_other(
    tmp_path: Path, workers: int
) -> None:
    program, folder = tmp_path / "program.py", tmp_path / "built"
    program.write_text(PROGRAM)
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(program), str(folder), str(workers)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + 60
        while len(list(folder.iterdir())) < workers and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.5)
        built = {int(path.name) for path in folder.iterdir()}
        assert len(built) == workers
        assert (process.pid in built) == (workers == 1)
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.process
def test_what_is_wrong_with_the_settings_ends_all_workers_with_1(tmp_path: Path) -> None:
    told = subprocess.run(
        [
            *(sys.executable, "-m", "vizion3d.programs.rest", "--port", "0", "--workers", "2"),
            *("--api-key-file", str(tmp_path / "none")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 1
    assert "API key file" in told.stderr
    assert "Traceback" not in told.stderr
