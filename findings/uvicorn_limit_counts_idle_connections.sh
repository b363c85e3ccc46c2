#!/usr/bin/env bash
# uvicorn 0.54.0: limit_concurrency=3 answers 503 while nothing is being done, once two clients keep connections open.
# Guessed: it bounds the requests that are worked on at a time, to keep a slow model from being flooded. Found: each open
# connection counts, also an idle one that a browser or a client's pool keeps alive, and so does the new one itself:
# the third is refused, its one request and each further one with 503, though no request ever overlapped another. Bound
# the work in the application (a semaphore, a queue), and set this far above the number of connections.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0
"$folder/venv/bin/python" - <<'PY'
import asyncio

import uvicorn


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def statuses_one_after_the_other():
    config = uvicorn.Config(app, port=0, limit_concurrency=3, timeout_keep_alive=60, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found, connections = [], []
    for _ in range(4):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        connections.append(writer)  # kept alive
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found.append(int((await reader.readline()).split()[1]))
        await reader.readuntil(b"\r\n\r\n")  # the answer is there: nothing is going on
    for writer in connections:
        writer.close()
    server.should_exit = True
    await serving
    return found


found = asyncio.run(statuses_one_after_the_other())
print(f"uvicorn {uvicorn.__version__}, limit_concurrency=3: four requests, each after the last was answered: {found}")
if found != [200, 200, 503, 503]:
    raise SystemExit("it has changed")
PY
