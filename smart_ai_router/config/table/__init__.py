"""The table of settings, section by section. Its order is the order of the reference and of `config explain`."""

from typing import Final

from smart_ai_router.config.setting import Setting
from smart_ai_router.config.table.channels import CHANNEL_SETTINGS
from smart_ai_router.config.table.operations import OPERATION_SETTINGS
from smart_ai_router.config.table.providers import PROVIDER_SETTINGS
from smart_ai_router.config.table.routing import ROUTING_SETTINGS
from smart_ai_router.config.table.service import SERVICE_SETTINGS

SETTINGS: Final[tuple[Setting, ...]] = (
    *SERVICE_SETTINGS,
    *PROVIDER_SETTINGS,
    *CHANNEL_SETTINGS,
    *ROUTING_SETTINGS,
    *OPERATION_SETTINGS,
)

__all__ = ["SETTINGS"]
