"""What browsers load besides the API: the interactive documentation, the contract, and the web terminal.

Everything is served from files here, so the pages work without the internet.
"""

import re
from pathlib import Path

from openapi_ui_bundles.swagger_ui import static_path
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api_gateway.compressed import Compressed
from kernel.runtime import Runtime

CONTRACT = Path(__file__).with_name("openapi.yaml")
CONTRACTS = {"/openapi.yaml": CONTRACT, "/asyncapi.yaml": Path(__file__).with_name("asyncapi.yaml")}
# The build names files by their content (main-5CYQIRBO.js); those may be kept for ever.
NAMED_BY_CONTENT = re.compile(r"-[A-Za-z0-9_-]{8}\.(js|css|woff2)$", re.ASCII)
# What the build writes. Any other path is a page of the application, also with a dot in it: /market/BRK.B.
ASSET = re.compile(
    r"\.(js|mjs|css|map|json|svg|png|jpg|jpeg|webp|avif|gif|ico|woff|woff2|ttf|txt|xml|wasm|webmanifest|html)$",
    re.ASCII,
)
IMMUTABLE = "public, max-age=31536000, immutable"

DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trading platform API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<p style="margin: 1rem; font-family: sans-serif">REST is below (<a href="/openapi.yaml">openapi.yaml</a>). The WebSocket
<code>/v1/stream</code> is described in <a href="/asyncapi.yaml">asyncapi.yaml</a>.</p>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
DOCS_SCRIPT = """SwaggerUIBundle({
  url: "/openapi.yaml", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false, tryItOutEnabled: true,
});
"""
HARDENED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
DOCS_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


class Pages:
    """The ASGI application for every path that is no API. web_folder: the built web terminal, if there is one."""

    def __init__(self, runtime: Runtime, web_folder: Path | None) -> None:
        self._compressed = Compressed(runtime)
        self._assets = StaticFiles(directory=static_path)
        self._terminal = Terminal(web_folder) if web_folder else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._compressed.answer(await self._response(scope), scope)
        response.headers.update(HARDENED)
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return Response("Only GET is possible here.", 405, {"allow": "GET, HEAD"}, "text/plain")
        if path in CONTRACTS:
            return FileResponse(CONTRACTS[path], media_type="application/yaml", headers={"cache-control": "no-cache"})
        if path in ("/docs", "/docs/"):
            return HTMLResponse(DOCS_PAGE, headers={"content-security-policy": DOCS_POLICY})
        if path == "/docs/start.js":
            return Response(DOCS_SCRIPT, media_type="text/javascript")
        if path.startswith("/docs/assets/"):
            return await _found(self._assets, path.removeprefix("/docs/assets/"), scope)
        if self._terminal is not None:
            return await self._terminal.response(path.lstrip("/"), scope)
        if path == "/":
            return Response("", 307, {"location": "/docs"})
        return Response("Not found; the API is documented at /docs.", 404, media_type="text/plain")


class Terminal:
    """The web terminal: files as they are; a path without a file is a page of the application, so its index."""

    def __init__(self, folder: Path) -> None:
        self._files = StaticFiles(directory=folder)

    async def response(self, path: str, scope: Scope) -> Response:
        found = await _found(self._files, path if ASSET.search(path) else "index.html", scope)
        is_kept = found.status_code in (200, 304) and NAMED_BY_CONTENT.search(path)
        found.headers["cache-control"] = IMMUTABLE if is_kept else "no-cache"
        return found


async def _found(files: StaticFiles, path: str, scope: Scope) -> Response:
    try:
        return await files.get_response(path, scope)
    except HTTPException as error:
        return Response("Not found.", error.status_code, media_type="text/plain")
