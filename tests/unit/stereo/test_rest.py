import io
from email import message_from_bytes

import numpy as np
from PIL import Image

from tests.support import stereo_scenes as scenes
from vizion3d.outputs.depth_files import encode_png
from vizion3d.server.rest.route import Asked
from vizion3d.stereo import StereoDepth, StereoDepthCommand
from vizion3d.stereo.rest import ROUTE


def test_form_data_has_the_metres_and_the_left_photo() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    command = StereoDepthCommand(
        encode_png(pair.left),
        encode_png(pair.right),
        return_depth_image=False,
        advanced_config=pair.config,
    )
    result = StereoDepth().run(command)
    body, headers = ROUTE.encode(result, Asked(command), "multipart/form-data")
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + body)
    contents = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.walk()
        if not part.is_multipart()
    }
    assert contents.keys() == {"depth", "left"}
    depth, left = (contents[name] for name in ("depth", "left"))
    assert isinstance(depth, bytes)
    assert isinstance(left, bytes)
    assert np.array_equal(np.load(io.BytesIO(depth)), result.depth_m)
    photo = np.asarray(Image.open(io.BytesIO(left)), np.int16)
    assert np.abs(photo - pair.left).mean() < np.abs(photo - pair.right).mean() / 4
