"""The files for operators: nginx in front of a real router, and the container's own commands."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.certificates import Certificate, make_certificate
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import CHAT, GUIDE_PRICES, Router, channel, running
from tests.tidy.python_source import ROOT

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
KEY = "sk-a-key-of-this-test-0123456789"
PIECES, CHUNK_MS = 8, 150
BEARER = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


class Front(NamedTuple):
    """nginx with TLS before a router."""

    router: Router
    port: int
    certificate: Certificate
    folder: Path

    @contextmanager
    def asking(self, method: str, path: str, body: object = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
        context = ssl.create_default_context(cafile=str(self.certificate.path))
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, headers)
            yield connection.getresponse()
        finally:
            connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def written_config(folder: Path, router_port: int, port: int, certificate: Certificate) -> Path:
    """The file as it is in the repository, with this test's addresses and files put in."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = text.replace("server 127.0.0.1:7601;", f"server 127.0.0.1:{router_port};")
    text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;")
    text = text.replace("    listen [::]:443 ssl http2;\n", "")
    text = text.replace("/etc/nginx/certificates/router.pem", str(certificate.path))
    text = text.replace("/etc/nginx/certificates/router.key", str(certificate.key_path))
    temporary = "".join(
        f"  {kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {folder / 'nginx.pid'};\nerror_log {folder / 'error.log'};\nevents {{}}\nhttp {{\n"
    file = folder / "nginx.conf"
    file.write_text(f"{whole}  access_log off;\n{temporary}{text}}}\n")
    return file


@pytest.fixture(scope="module")
def front(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip("there is no nginx on this machine")
    folder = tmp_path_factory.mktemp("nginx")
    certificate = make_certificate(folder)
    fault = f"normal,pieces={PIECES},chunk_ms={CHUNK_MS}"
    served = channel("ch_1", upstream.base_url, "gpt-4o-mini", fault, prices=GUIDE_PRICES)
    keys = {"auth": {"enabled": True, "keys": [{"name": "alice", "key": KEY}]}}
    with running(tmp_path_factory.mktemp("router"), {"channels": [served], **keys}) as router:
        port = free_port()
        config = written_config(folder, router.port, port, certificate)
        command = [NGINX, "-p", str(folder), "-c", str(config)]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "[warn]" not in checked.stderr.replace('the "user" directive', "")
        process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        try:
            until(lambda: answers(port), 10, "nginx listens")
            yield Front(router, port, certificate, folder)
        finally:
            process.terminate()
            process.wait(10)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def calls(front: Front) -> int:
    """How many calls are on the books."""
    total: int = front.router.stats("daily")["total_requests"]
    return total


def test_a_stream_reaches_the_client_chunk_by_chunk_through_nginx(front: Front) -> None:
    body, before = {**CHAT, "stream": True}, calls(front)
    with front.asking("POST", "/v1/chat/completions", body, **BEARER) as reply:
        assert reply.status == 200
        first = reply.read1()
        under_way = calls(front)
        rest = reply.read()
    assert first.startswith(b"data: ")
    assert (under_way, calls(front)) == (before, before + 1)  # the first piece was here while the call still ran
    assert rest.endswith(b"data: [DONE]\n\n")
    record = front.router.record_of(reply.headers["x-request-id"])
    assert (record["outcome"], record["client_ip"]) == ("success", "127.0.0.1")


def test_a_client_that_leaves_nginx_leaves_the_router_too(front: Front) -> None:
    body = {**CHAT, "stream": True}
    with front.asking("POST", "/v1/chat/completions", body, **BEARER) as reply:
        request_id = reply.headers["x-request-id"]
        reply.read1()
    assert front.router.record_of(request_id)["outcome"] == "cancelled"


def test_without_a_key_nothing_is_served_through_nginx(front: Front) -> None:
    with front.asking("POST", "/v1/chat/completions", CHAT, **{"content-type": "application/json"}) as reply:
        assert reply.status == 401


@pytest.mark.parametrize("path", ["/v1/stats/daily", "/v1/admin/config/status", "/api/admin/users", "/metrics"])
def test_the_administration_answers_inside(front: Front, path: str) -> None:
    with front.asking("GET", path, authorization=f"Bearer {front.router.token}") as reply:
        assert reply.status == 200, path


def test_the_administrations_paths_are_those_of_the_control_plane() -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    (pattern,) = re.findall(r"location ~ (\S+) \{", text)
    inside = ["/v1/stats/daily", "/v1/routing/explain", "/v1/admin/config", "/api/admin/users", "/admin/x", "/console"]
    inside += ["/docs", "/status", "/openapi.json", "/metrics", "/console/index.html"]
    assert [path for path in inside if not re.search(pattern, path)] == []
    outside = ["/v1/chat/completions", "/v1/models", "/health", "/ready", "/", "/v1/statsx", "/consoles"]
    assert [path for path in outside if re.search(pattern, path)] == []


# --- the container -------------------------------------------------------------------------------------------------


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_the_containers_health_check_tells_a_router_from_none(front: Front) -> None:
    (words,) = re.findall(r"^    CMD (\[.*\])$", dockerfile(), re.M)
    _, option, program = json.loads(words)
    for port, code in ((front.router.port, 0), (free_port(), 1)):
        command = [sys.executable, option, program.replace("7601", str(port))]
        ended = subprocess.run(command, capture_output=True, timeout=30, check=False, env={"http_proxy": "http://x:1"})
        assert ended.returncode == code, ended.stderr


def test_the_containers_command_is_one_that_the_router_takes() -> None:
    (words,) = re.findall(r"^CMD (\[.*\])$", dockerfile(), re.M)
    command = [sys.executable, "-m", "smart_ai_router", *json.loads(words), "--help"]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=ROOT).returncode == 0


def test_the_image_holds_no_secret_and_no_file_that_it_does_not_name() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    named = [line.removeprefix("!").rstrip("/") for line in allowed if line.startswith("!")]
    assert named == ["smart_ai_router", "console", "config/router_config.example.yaml", "requirements.lock", "LICENSE"]


def test_what_compose_mounts_is_where_the_image_works() -> None:
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    places = [volume.split(":")[1] for volume in service["volumes"]]
    (work,) = re.findall(r"^WORKDIR (/srv\S+)$", dockerfile(), re.M)
    assert places == [f"{work}/config", f"{work}/data", f"{work}/logs"]
    assert service["volumes"][0].endswith(":ro")
    assert service["ports"] == ["7601:7601"]
    assert "USER router" in dockerfile()
