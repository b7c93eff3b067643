"""The script that installs what pip cannot, on machines made of stand-ins for their commands."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

SCRIPT = Path(__file__).parents[3] / "tools" / "system_libraries.sh"
BASH = shutil.which("bash") or "bash"
LIBRARIES = "libusb-1.0-0 libgl1 libegl1 libgomp1"
PROGRAMS = "curl openssl chromium-headless-shell nginx systemd"


@dataclass
class Machine:
    """What a machine has, and what was done to it.

    Attributes:
        folder: Of its commands.
        user: Number of the user; 0 is root.
        sudo: Whether sudo asks for no password.
        debian: Whether it has Debian's package manager.
        system: What it calls itself.
        packages: Those that are installed.
        programs: Those that can be called.
    """

    folder: Path
    user: int = 0
    sudo: bool = False
    debian: bool = True
    system: str = "debian"
    packages: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)

    def run(self, *arguments: str) -> tuple[int, str, list[str]]:
        """Exit code, what was told, and the calls of apt-get."""
        self._command("id", f"echo {self.user}")
        self._command("python3", "exit 0")
        self._command("sudo", 'shift; "$@"' if self.sudo else "exit 1")
        self._command("apt-get", f'echo "$@" >> {self.folder}/called')
        self._command("grep", f'exec {shutil.which("grep")} "$@"')
        if self.debian:
            known = "|".join(self.packages or {"none"})
            self._command("dpkg-query", f'case "$3" in {known}) echo "install ok installed";; esac')
        for program in self.programs:
            self._command(program, "exit 0")
        release = self.folder / "os-release"
        if self.system:
            release.write_text(f'NAME="Some System"\nID={self.system}\n')
        done = subprocess.run(
            [BASH, SCRIPT, *arguments],
            env={"PATH": str(self.folder), "OS_RELEASE": str(release)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        called = self.folder / "called"
        return (
            done.returncode,
            done.stdout,
            called.read_text().splitlines() if called.exists() else [],
        )

    def _command(self, name: str, code: str) -> None:
        path = self.folder / name
        path.write_text(f"#!{BASH}\n{code}\n")
        path.chmod(0o755)


@pytest.mark.parametrize(("kind", "there"), [((), LIBRARIES), (("--tests",), PROGRAMS)])
def test_where_everything_is_there_nothing_is_done(
    tmp_path: Path, kind: tuple[str, ...], there: str
) -> None:
    names = set(there.split())
    machine = Machine(
        tmp_path, packages=names, programs=names | {"systemd-analyze"} if kind else set()
    )
    assert machine.run(*kind) == (0, "", [])


@pytest.mark.parametrize("system", ["ubuntu", ""])
def test_debian_alone_has_the_smaller_browser(tmp_path: Path, system: str) -> None:
    _, _, called = Machine(tmp_path, system=system).run("--tests")
    assert called[1] == "install -y -qq curl openssl chromium nginx systemd"


@pytest.mark.parametrize("browser", ["chromium", "chromium-browser", "google-chrome"])
def test_another_chromium_will_do(tmp_path: Path, browser: str) -> None:
    assert Machine(tmp_path, programs={"curl", "openssl", "nginx", "systemd-analyze", browser}).run(
        "--tests"
    ) == (
        0,
        "",
        [],
    )


@pytest.mark.parametrize("kind", [(), ("--tests",)])
@pytest.mark.parametrize(("user", "sudo"), [(0, False), (1000, True)], ids=["root", "sudo"])
def test_whoever_may_install_does(
    tmp_path: Path, user: int, sudo: bool, kind: tuple[str, ...]
) -> None:
    code, _, called = Machine(tmp_path, user, sudo).run(*kind)
    wanted = PROGRAMS if kind else LIBRARIES
    assert code == 0
    assert called == ["update -qq", f"install -y -qq {wanted}"]


def test_only_what_is_missing_is_installed(tmp_path: Path) -> None:
    _, _, called = Machine(tmp_path, packages={"libgl1"}).run()
    assert called[1] == "install -y -qq libusb-1.0-0 libegl1 libgomp1"


def test_who_may_not_install_is_told_what_is_missing(tmp_path: Path) -> None:
    code, told, called = Machine(tmp_path, user=1000).run()
    assert code == 1
    assert f"sudo apt-get install {LIBRARIES}" in told
    assert not called


def test_without_the_tests_programs_the_tests_go_on_and_say_what_they_skip(tmp_path: Path) -> None:
    code, told, called = Machine(tmp_path, user=1000, programs={"curl"}).run("--tests")
    assert code == 0
    assert told.startswith(
        "Tests that need openssl chromium-headless-shell nginx systemd will be skipped"
    )
    assert "sudo apt-get install openssl chromium-headless-shell nginx" in told
    assert not called


@pytest.mark.parametrize("kind", [(), ("--tests",)])
def test_other_systems_are_told_what_is_needed(tmp_path: Path, kind: tuple[str, ...]) -> None:
    code, told, called = Machine(tmp_path, debian=False).run(*kind)
    assert code == 0
    assert ("chromium" if kind else "libusb-1.0") in told
    assert not called
