"""What a gateway worker is told once, when it starts; everything else reaches it in snapshots."""

from pathlib import Path

import msgspec


class GatewayBoot(msgspec.Struct, frozen=True):
    """Settings that need a restart, resolved by the supervisor. No secrets: it stands on a command line."""

    worker: int
    workers: int
    data_dir: str
    logs_dir: str
    time_zone: str = "UTC"
    durability: str = "strict"
    head_s: float = 10.0
    body_s: float = 60.0
    keep_alive_s: float = 75.0
    body_bytes_max: int = 10 * 1024 * 1024
    connections_max: int = 10_000
    drain_deadline_s: float = 30.0

    @property
    def link_socket(self) -> Path:
        return link_socket(Path(self.data_dir))

    @property
    def control_socket(self) -> Path:
        return control_socket(Path(self.data_dir))


def link_socket(data_dir: Path) -> Path:
    """Where the planes talk."""
    return data_dir / "run" / "link.sock"


def control_socket(data_dir: Path) -> Path:
    """Where the control plane answers HTTP."""
    return data_dir / "run" / "control.sock"


def encode_boot(boot: GatewayBoot) -> str:
    return msgspec.json.encode(boot).decode()


def decode_boot(text: str) -> GatewayBoot:
    return msgspec.json.decode(text, type=GatewayBoot)
