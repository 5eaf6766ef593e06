"""What stands at /console while the package carries no built console: a page that says so, and where to look."""

import base64
import hashlib
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse

_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.6 system-ui,sans-serif;max-width:42em;margin:3em auto;padding:0 1em}"
    "code{font-weight:600}h1{font-size:1.4em}section{margin:2em 0}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"
PAGE: Final = (
    "<!doctype html><html lang=zh><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    f"<title>Smart AI Router</title><style>{_STYLE}</style>"
    "<h1>Smart AI Router</h1>"
    "<section lang=zh><p>此版本尚未构建网页控制台。路由器本身运行正常，所有功能都可以通过接口和命令行使用：</p>"
    "<ul><li><a href='/docs'>接口文档</a>（<a href='/openapi.json'>openapi.json</a>）</li>"
    "<li>用量与成本：<code>smart-ai-router report</code>，<code>GET /v1/stats/summary</code></li>"
    "<li>用户与密钥：<code>smart-ai-router users</code>，<code>smart-ai-router keys</code></li>"
    "<li>价格：<code>smart-ai-router prices</code></li></ul>"
    "<p>在源码目录中，请把 <code>smart-ai-router</code> 写作 <code>python main.py</code>。</p></section>"
    "<section lang=en><p>The web console is not built in this version. The router itself runs; everything can be done"
    " through its interface and on the command line:</p>"
    "<ul><li><a href='/docs'>Interface documentation</a> (<a href='/openapi.json'>openapi.json</a>)</li>"
    "<li>Usage and cost: <code>smart-ai-router report</code>, <code>GET /v1/stats/summary</code></li>"
    "<li>Users and keys: <code>smart-ai-router users</code>, <code>smart-ai-router keys</code></li>"
    "<li>Prices: <code>smart-ai-router prices</code></li></ul>"
    "<p>In a checkout, write <code>python main.py</code> for <code>smart-ai-router</code>.</p></section>"
)


def serve_console_notice(app: FastAPI) -> None:
    """Serve the page; it holds no data, so it is open to everybody."""
    for path in ("/console", "/console/"):
        app.add_route(path, _notice, include_in_schema=False)


def _notice(_request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE, headers={"content-security-policy": PAGE_POLICY})
