"""Images that nobody should send, and some that few do."""

import io
import struct
import zlib

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
NOT_OFFERED = ("PCX", "ICO", "PPM", "TGA", "PDF", "EPS", "JPEG2000")
_MODES = (
    *("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA"),
    *("RGBX", "RGBa", "I;16", "I;16B", "I;16L"),
)


_NO_CONVERSION = frozenset({"LAB", "PA", "RGBa", "I;16", "I;16B", "I;16L"})


def encoded(file_format: str = "PNG", size: tuple[int, int] = (32, 24), mode: str = "RGB") -> bytes:
    """A small image with some contrast."""
    image = Image.new("L", size)
    image.paste(255, (0, 0, max(1, size[0] // 2), size[1]))
    buffer = io.BytesIO()
    made = Image.new(mode, size) if mode in _NO_CONVERSION else image.convert("RGB").convert(mode)
    made.save(buffer, file_format)
    return buffer.getvalue()


def every_mode() -> list[tuple[str, str]]:
    """Each pair of a format that is offered and a Pillow mode that can be saved in it."""
    pairs = []
    for file_format in FORMATS:
        for mode in _MODES:
            try:
                encoded(file_format, mode=mode)
            except (OSError, ValueError, KeyError):
                continue
            pairs.append((file_format, mode))
    return pairs


def png_header(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims to be that large."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def gif_header(width: int, height: int) -> bytes:
    """A GIF that claims to be that large."""
    whole = encoded("GIF")
    return whole[:6] + struct.pack("<HH", width, height) + whole[10:]


BAD_IMAGES = {
    "garbage": b"\x07garbage" * 1000,
    "empty": b"",
    "one byte": b"\x89",
    "text": b"scene.png",
    "truncated png": encoded("PNG", (256, 256), "RGB")[:60],
    "truncated jpeg": encoded("JPEG", (64, 64))[:300],
    "truncated tiff": encoded("TIFF")[:100],
    "truncated webp": encoded("WEBP", (64, 64))[:40],
    "signature only": b"\x89PNG\r\n\x1a\n",
    "png bomb": png_header(60_000, 60_000),
    "gif bomb": gif_header(65_535, 65_535),
    "png of no size": png_header(0, 0),
    "elongated": encoded(size=(20_000, 1)),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "polyglot": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
}

BAD_MODELS = (
    "/etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "../../../../etc/passwd",
    "nano/../nano",
    "nano\0",
    "\0",
    "NANO",
    " nano",
    "x" * 5000,
    "\N{SNOWMAN}",
    "vits",
    "https://example.com/depth_anything_v2_vits.pth",
)
