"""KServe's own client asks both servers for the depth of a photo; both must tell the same."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

PHOTO = Path(__file__).parents[1] / "examples" / "coffee.jpg"
MODEL = "depth_estimation"


def request() -> Any:
    image = InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(np.array([PHOTO.read_bytes()], np.object_), binary_data=True)
    return InferRequest(MODEL, [image], parameters={"input_size": 64})


async def ask(rest_url: str, grpc_address: str) -> None:
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    grpc = InferenceGRPCClient(grpc_address)
    assert await rest.is_server_ready(rest_url)
    assert await rest.is_model_ready(rest_url, MODEL)
    assert await grpc.is_server_ready()
    assert await grpc.is_model_ready(MODEL)
    answers = (
        await rest.infer(rest_url, request(), model_name=MODEL),
        await grpc.infer(request()),
    )
    first, second = (answer.get_output_by_name("depth").as_numpy() for answer in answers)
    assert np.array_equal(first, second)
    print(f"depth {first.shape} {first.dtype}, {first.min():.3f} to {first.max():.3f}, both alike")


asyncio.run(ask(*sys.argv[1:]))
