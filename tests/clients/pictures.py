"""Pictures made here, byte by byte, so that the tests need no library and no files."""

import base64
import os
import struct
import zlib

# One pixel, lossless.
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")


def base64_text(data):
    return base64.b64encode(data).decode()


def data_uri(data, media_type="image/png"):
    return f"data:{media_type};base64,{base64_text(data)}"


def part(data, media_type="image/png"):
    """A picture as a part of a message."""
    return {"type": "image_url", "image_url": {"url": data_uri(data, media_type)}}


def chunk(kind, data):
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(width=8, height=8, extra=b""):
    """A grey picture, one bit a pixel. `extra` is carried along as a comment."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = b"\0" + b"\xaa" * ((width + 7) // 8)
    pixels = zlib.compress(row * height, 9)
    comment = chunk(b"tEXt", b"Comment\0" + extra.hex().encode()) if extra else b""
    body = chunk(b"IHDR", header) + comment + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def heavy_png(size):
    """A small picture in a file of at least `size` bytes."""
    return png(extra=os.urandom(size // 2))


def boastful_png(width, height):
    """A picture that claims to be large and has no pixels at all."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def jpeg():
    """Eight by eight grey pixels: one block whose coefficients are all zero."""
    quantisation = b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([1] * 64)
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 8, 8, 1) + bytes([1, 0x11, 0])
    one_code = bytes([1]) + bytes(15) + bytes([0])
    tables = b"".join(
        b"\xff\xc4" + struct.pack(">HB", 20, kind) + one_code for kind in (0x00, 0x10)
    )
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0x00, 0, 63, 0]) + b"\x3f"
    return b"\xff\xd8" + quantisation + frame + tables + scan + b"\xff\xd9"


def gif(frames=1):
    """One pixel, as often as asked for."""
    header = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    control = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return header + (control + image) * frames + b"\x3b"
