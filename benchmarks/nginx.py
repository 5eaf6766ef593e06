"""nginx twice: as an upstream far faster than any gateway, and as the plainest gateway there is."""

from pathlib import Path
from typing import Final

from benchmarks.children import Child
from benchmarks.machine import GATEWAY_CORE, LOAD_CORE, free_port
from benchmarks.payloads import COMPLETION, compact

_FOLDERS: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_FRAME: Final = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 10000; }}
http {{
  access_log off; keepalive_requests 100000000; client_max_body_size 10m; {folders}
  {inside}
}}
"""
_STUB: Final = """server {{ listen 127.0.0.1:{port} backlog=2048;
    location / {{ default_type application/json; return 200 {body}; }} }}"""
_PROXY: Final = """upstream there {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=2048;
    location / {{ proxy_pass http://there; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering {buffering}; proxy_read_timeout 600s; }} }}"""


def start_stub(nginx: str, folder: Path) -> Child:
    """Answers every request with the fixed completion."""
    port = free_port()
    body = f"'{compact(COMPLETION).decode()}'"
    return _start(nginx, folder, port, LOAD_CORE, _STUB.format(port=port, body=body))


def start_proxy(nginx: str, folder: Path, upstream: int, *, buffering: bool = True) -> Child:
    """`proxy_pass` over kept-alive connections; `buffering` off is what streams need."""
    port = free_port()
    inside = _PROXY.format(port=port, upstream=upstream, buffering="on" if buffering else "off")
    return _start(nginx, folder, port, GATEWAY_CORE, inside)


def _start(nginx: str, folder: Path, port: int, core: int, inside: str) -> Child:
    folder.mkdir(parents=True, exist_ok=True)
    folders = " ".join(f"{name}_temp_path {folder}/{name};" for name in _FOLDERS)
    configuration = folder / "nginx.conf"
    configuration.write_text(_FRAME.format(folder=folder, folders=folders, inside=inside))
    command = [nginx, "-c", str(configuration), "-e", str(folder / "error.log")]
    return Child(command, core=core, port=port, log=folder / "output").wait_until_listening()
