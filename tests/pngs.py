"""PNG files byte by byte, for what Pillow would not write."""

import struct
import zlib


def png(width: int, height: int, depth: int, colour: int, rows: bytes, clear: bytes = b"") -> bytes:
    """Return a file of raw rows, each behind its filter byte; ``clear`` is the level that is clear.

    ``colour`` is 0 for grey and 2 for RGB (PNG, 11.2.1).
    """
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))]
    parts += [(b"tRNS", clear)] * bool(clear)
    parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
