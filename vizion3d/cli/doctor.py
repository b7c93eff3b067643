"""``vizion3d doctor``: is everything here that is needed, and what mends it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import typer

from vizion3d.core.container import default_container
from vizion3d.errors import MissingDependencyError
from vizion3d.lifting.outputs.open3d_objects import require_open3d
from vizion3d.lifting.queries import ListModelsQuery

_PACKAGES = (
    "vizion3d",
    "torch",
    "numpy",
    "pillow",
    "open3d",
    "openvino",
    "pydantic",
    "fastapi",
    "grpcio",
)


def doctor() -> None:
    """Tell versions, devices, Open3D's state and the cache; exit code 1 if something is amiss."""
    typer.echo(f"python     {platform.python_version()} on {platform.platform()}")
    for name in _PACKAGES:
        typer.echo(f"{name:<10} {_version(name)}")
    healthy = all((_tell_devices(), _tell_open3d(), _tell_cache()))
    typer.echo("everything is in order" if healthy else "something is amiss: see above")
    raise typer.Exit(0 if healthy else 1)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _tell_devices() -> bool:
    import torch

    from vizion3d.lifting.runtime.choice import choose_framework
    from vizion3d.lifting.runtime.torch_runtime import choose_device

    settings = default_container().settings
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    typer.echo(f"cpu        {os.cpu_count()} cores, {torch.get_num_threads()} torch threads")
    typer.echo(f"gpu        {', '.join(gpus) or 'none that torch can use'}")
    runtime = choose_framework(settings)
    typer.echo(f"device     {choose_device(settings.device)} (VIZION3D_DEVICE={settings.device})")
    typer.echo(f"runtime    {runtime} (VIZION3D_RUNTIME={settings.runtime})")
    if runtime == "openvino":
        from vizion3d.lifting.runtime.openvino_runtime import best_precision

        typer.echo(f"precision  {best_precision()} is this CPU's best")
    return True


def _tell_open3d() -> bool:
    try:
        require_open3d()
    except MissingDependencyError as error:
        typer.echo(f"open3d     BROKEN: {error}")
        return False
    typer.echo("open3d     imports: depth images and point clouds work")
    return True


def _tell_cache() -> bool:
    container = default_container()
    cache = container.settings.model_cache
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    cached = [m for m in container.queries.dispatch(ListModelsQuery()) if m.cached]
    size_mb = sum(m.size_bytes or 0 for m in cached) / 1e6
    typer.echo(f"cache      {cache}: {len(cached)} models, {size_mb:.0f} MB")
    if not writable:
        typer.echo(f"cache      NOT WRITABLE: {existing}; set VIZION3D_MODEL_CACHE")
    if container.settings.offline:
        typer.echo("cache      offline: nothing is downloaded (VIZION3D_OFFLINE)")
    return writable
