"""Translation over HTTP, compatible with the clients of other services.

    server.py, connection.py    uvicorn; nothing else depends on it
    app.py        ASGI: bodies within limits, errors; routes.py: the handler of each path
    wire.py, libretranslate.py, deepl.py, opennmt.py, huggingface.py    requests and responses: pure functions
    service.py    the path of a request: limits, detection, segments, batches, and back
    files.py      the path of a file: translated in portions, kept for a while; documents.py: its texts
    batcher.py    segments that arrive while a batch runs form the next batch
    processes.py  the processes that hold the models, seen from the HTTP process; models.py: these processes;
                  messages.py: their messages; generations.py: replaces models while requests run
    texts.py      a text: its language, its segments (detection.py, segments.py), and its translation
    pairs.py, limits.py, metrics.py, openapi.py, page/

The HTTP process loads neither models nor torch: it starts while another process loads them, and never blocks.
"""
