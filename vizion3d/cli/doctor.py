"""``vizion3d doctor``: is everything here that is needed, and what mends it."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import typer

from vizion3d.checkpoints.queries import ListModelsQuery
from vizion3d.cli.context import application_of
from vizion3d.container import Container
from vizion3d.errors import MissingDependencyError, Vizion3DError
from vizion3d.outputs.open3d_objects import require_open3d
from vizion3d.settings import Settings, load_settings

_PACKAGES = ("vizion3d", "torch", "openvino", "open3d", "numpy", "pillow", "pydantic", "grpcio")


def doctor(context: typer.Context) -> None:
    """Show versions, devices, Open3D's state and the cache; exit code 1 if something is wrong."""
    _tell("python", f"{platform.python_version()} on {platform.platform()}")
    for name in _PACKAGES:
        _tell(name, _version(name))
    faults = [*_open3d_faults()]
    try:
        settings = load_settings()
    except Vizion3DError as error:
        faults.append(str(error))
    else:
        faults += [
            *_device_faults(settings),
            *_cache_faults(application_of(context).build(settings)),
        ]
    for fault in faults:
        _tell("AMISS", fault)
    if faults:
        raise typer.Exit(1)
    typer.echo("everything is in order")


def _tell(name: str, text: str) -> None:
    typer.echo(f"{name:<10} {text}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _open3d_faults() -> Iterator[str]:
    try:
        require_open3d()
    except Vizion3DError as error:
        yield str(error)
    else:
        _tell("open3d", "imports: depth images and point clouds work")


def _device_faults(settings: Settings) -> Iterator[str]:
    import torch

    from vizion3d.runtime.choice import choose_framework
    from vizion3d.runtime.torch_runtime import choose_device

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    _tell("cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} torch threads")
    _tell("gpu", ", ".join(gpus) or "none that torch can use")
    try:
        runtime, device = choose_framework(settings), choose_device(settings.device)
    except Vizion3DError as error:
        yield str(error)
        return
    _tell("licences", f"{settings.licences} (VIZION3D_LICENCES)")
    _tell("device", f"{device} (VIZION3D_DEVICE={settings.device})")
    _tell("runtime", f"{runtime} (VIZION3D_RUNTIME={settings.runtime})")
    if runtime == "openvino":
        from vizion3d.runtime.int8 import require_nncf
        from vizion3d.runtime.openvino_library import best_precision

        best = f"auto is {best_precision()} on this CPU"
        _tell("precision", f"{settings.precision} (VIZION3D_PRECISION); {best}")
        if settings.precision == "int8":
            try:
                require_nncf()
            except MissingDependencyError as error:
                yield str(error)


def _cache_faults(container: Container) -> Iterator[str]:
    cache = container.settings.model_cache
    try:
        cached = [m for m in container.queries.dispatch(ListModelsQuery()) if m.cached]
    except Vizion3DError as error:
        yield str(error)
        return
    size_mb = sum(m.size_bytes or 0 for m in cached) / 1e6
    _tell("cache", f"{cache}: {len(cached)} models here, {size_mb:.0f} MB")
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        yield f"the cache cannot be written: {existing}; set VIZION3D_MODEL_CACHE"
    if container.settings.offline:
        _tell("offline", "nothing is downloaded (VIZION3D_OFFLINE)")
