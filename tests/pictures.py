"""Pictures as other programs write them, made here from what those programs document of their formats."""

from __future__ import annotations

import io
import json
import struct
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngInfo

A1111 = (
    "a lighthouse, evening light\nNegative prompt: people, text\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234, Size: 512x768,"
    " Model hash: 6ce0161689, Model: sd_xl_turbo, Version: v1.10.1"
)

INVOKE = {
    "positive_prompt": "a lighthouse, evening light",
    "negative_prompt": "people, text",
    "width": 512,
    "height": 768,
    "seed": 1234,
    "cfg_scale": 6.5,
    "steps": 28,
    "scheduler": "dpmpp_2m_k",
    "model": {"model_name": "sdxl-turbo"},
}

COMFY_PROMPT = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1234,
            "steps": 28,
            "cfg": 6.5,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl-turbo.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse, evening light", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "people, text", "clip": ["4", 1]}},
}
COMFY_WORKFLOW = {
    "links": [
        [1, 4, 0, 3, 0, "MODEL"],
        [2, 6, 0, 3, 1, "CONDITIONING"],
        [3, 7, 0, 3, 2, "CONDITIONING"],
        [4, 5, 0, 3, 3, "LATENT"],
        [5, 4, 1, 6, 0, "CLIP"],
        [6, 4, 1, 7, 0, "CLIP"],
    ]
}


def picture(format: str = "PNG", *, exif: bytes = b"", **texts: str) -> bytes:
    """A small picture with these text chunks, or with that EXIF."""
    file = io.BytesIO()
    image = Image.new("RGB", (8, 8), "orange")
    if format == "PNG":
        chunks = PngInfo()
        for name, text in texts.items():
            chunks.add_text(name, text)
        image.save(file, "PNG", pnginfo=chunks)
    else:
        image.save(file, format, exif=exif)
    return file.getvalue()


def comment(text: str) -> bytes:
    """EXIF with a user comment, as web interfaces write it into JPEG and WebP."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    return exif.tobytes()


def a1111() -> bytes:
    return picture(parameters=A1111)


def invoke() -> bytes:
    return picture(invokeai_metadata=json.dumps(INVOKE))


def comfy() -> bytes:
    return picture(prompt=json.dumps(COMFY_PROMPT), workflow=json.dumps(COMFY_WORKFLOW))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes whose header says that it has billions of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def swollen(texts: int = 200) -> bytes:
    """A PNG whose texts each inflate to megabytes."""
    body = b"\0\0" + zlib.compress(bytes(4_000_000))
    many = b"".join(chunk(b"zTXt", f"k{n}".encode() + body) for n in range(texts))
    plain = picture()
    return plain[:33] + many + plain[33:]
