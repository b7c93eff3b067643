"""What people are told about a download: before it, and after it has failed."""

from vizion3d.checkpoints.catalogue import NON_COMMERCIAL, Release


def announcement(url: str, release: Release | None) -> str:
    """What is about to be downloaded: ``"small (Depth Anything V2 vits), 99 MB, Apache-2.0"``."""
    if release is None:
        return f"{url}, of unknown size and licence"
    limits = ", no commercial use" if release.licence == NON_COMMERCIAL else ""
    about = "" if release.size_bytes else "about "
    return (
        f"{release.name} ({release.network} {release.variant}), "
        f"{about}{release.about_bytes / 1e6:.0f} MB, {release.licence}{limits}"
    )


def without_download(release: Release | None) -> str:
    """What to use where nothing can be downloaded."""
    if release is None:
        return "Without any download: the model nano (depth), sgbm (stereo)."
    name = "sgbm" if release.depth_kind == "disparity" else "nano"
    return f"Or try {name}, which needs no download: --model {name}"
