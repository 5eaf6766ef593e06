"""Who may reach the router: it listens to other machines only when somebody has a key."""

from smart_ai_router.config.address_kinds import is_loopback
from smart_ai_router.config.loading import Loaded
from smart_ai_router.config.problems import MAKE_KEY, ListeningNeedsKeys, problem_at, shorten
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.tree import DEFAULT_ORIGIN


def listens_on_loopback_only(settings: Settings) -> bool:
    """True when no other machine can connect."""
    return is_loopback(settings.server.host)


def has_keys(settings: Settings) -> bool:
    """True when the file or the environment grants a key."""
    return bool(settings.auth.api_token) or any(key.enabled for key in settings.auth.keys)


def check_binding(loaded: Loaded, stored_keys: int) -> None:
    """Refuse to listen to other machines while nobody has a key.

    `stored_keys` is the number of usable keys in the store. Raises ListeningNeedsKeys (exit code 2), which says how to
    make one.
    """
    settings = loaded.settings
    if listens_on_loopback_only(settings) or has_keys(settings) or stored_keys > 0:
        return
    host = settings.server.host
    message = "other machines could call without a key, because none is configured"
    suggestion = (
        "make one with: smart-ai-router keys create --user me --create-user --name laptop "
        "(in a checkout: python main.py keys create ...); "
        f"or: export SMART_AI_ROUTER__AUTH__API_TOKEN=$({MAKE_KEY}); "
        "or set auth.api_token or auth.keys in the file; or listen on 127.0.0.1"
    )
    origin = loaded.origins.get("server.host", DEFAULT_ORIGIN)
    raise ListeningNeedsKeys([problem_at(origin, "server.host", message, shorten(host), suggestion)])
