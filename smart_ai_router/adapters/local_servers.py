"""Looks whether a model server answers on this machine: Ollama, LM Studio, vLLM. Only when the router starts."""

import httpx2
import msgspec

PROBE_TIMEOUT_S = 0.3  # a server on this machine answers within milliseconds, or is not there
MODELS_MAX = 500


class _Listed(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Listed]


def probe_local_server(base_url: str) -> tuple[str, ...] | None:
    """The names of the models that an OpenAI-compatible server at this address lists; None when nothing answers."""
    try:
        with httpx2.Client(trust_env=False, timeout=PROBE_TIMEOUT_S, follow_redirects=False) as client:
            reply = client.get(f"{base_url}/models")
        if reply.status_code != 200:
            return None
        return tuple(each.id for each in msgspec.json.decode(reply.content, type=_Models).data[:MODELS_MAX])
    except (httpx2.HTTPError, msgspec.DecodeError, ValueError):
        return None
