"""What a model is for, judged by its name; a file's own word goes before it."""

import re
from typing import Final

_KINDS: Final = (
    ("rerank", re.compile(r"rerank")),
    ("embedding", re.compile(r"embed|(^|[/-])(bge|m3e|gte|bce)-")),
    ("moderation", re.compile(r"moderation|llama-guard|prompt-guard|safeguard")),
    ("video", re.compile(r"(^|[/-])(sora|veo|kling|cogvideo|wan[0-9.]*-[ti]2v|seedance|hailuo)")),
    (
        "image",
        re.compile(
            r"(^|[/-])(dall-e|gpt-image|chatgpt-image|imagen|flux|stable-diffusion|sdxl|wanx|cogview|seedream|kolors)"
            r"|-image(-|$)"
        ),
    ),
    ("audio", re.compile(r"whisper|(^|[/-])tts(-|$)|-tts|transcribe|(^|[/-])asr|cosyvoice|sensevoice|speech|voxtral")),
)


def kind_by_name(name: str) -> str:
    """chat, unless the name says embedding, image, audio, video, rerank or moderation."""
    lower = name.lower()
    return next((kind for kind, pattern in _KINDS if pattern.search(lower)), "chat")
