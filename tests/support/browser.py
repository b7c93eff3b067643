"""Chromium, wherever the system has it, driven by Playwright."""

import shutil

from playwright.sync_api import Browser, Playwright

# The first starts and draws a page in two thirds of the others' time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
MISSING = "there is no Chromium: `bash tools/system_libraries.sh --tests` installs it"
SOFTWARE_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Headless Chromium that draws WebGL in software, as on a machine without a GPU.

    Raises:
        SystemExit: There is no Chromium here; the message says how to install it.
    """
    if CHROMIUM is None:
        raise SystemExit(MISSING)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*SOFTWARE_WEBGL, *flags])
