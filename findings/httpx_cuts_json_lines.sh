#!/usr/bin/env bash
# httpx 0.28.1 and requests 2.34.2: iter_lines cuts a JSON line in two at a separator inside its text.
# Guessed: lines of a response end at a line feed, as JSON lines and event streams have it; what a JSON text holds is
# not looked at. Found: both cut with str.splitlines, so U+2028 or U+0085, which JSON allows in a string, ends a line.
# Web pages and office texts have them, a translation keeps them, and the client of a service that streams results fails
# at json.loads, or counts one result more than it sent. Split iter_bytes at b"\n", or have the service escape what is
# not ASCII. requests without decode_unicode is safe, and so is aiohttp.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 requests==2.34.2
"$folder/venv/bin/python" - <<'PY'
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import requests

results = [{"id": 1, "text": "Guten Tag"}, {"id": 2, "text": "Eine Zeile\u2028und noch eine"}]
body = "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in results).encode()


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Service)
Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/"
with httpx.stream("GET", address) as response:
    found = {"httpx": list(response.iter_lines())}
found["requests, text"] = list(requests.get(address, stream=True).iter_lines(decode_unicode=True))
found["requests, bytes"] = list(requests.get(address, stream=True).iter_lines())
server.shutdown()
print(f"httpx {httpx.__version__}, requests {requests.__version__}: {len(results)} results are")
for client, lines in found.items():
    print(f"  by {client}, {len(lines)} lines, the last one {lines[-1]!r}")
if [len(lines) for lines in found.values()] != [3, 3, 2]:
    raise SystemExit("it has changed")
PY
