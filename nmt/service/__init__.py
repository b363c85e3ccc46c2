"""Translation over HTTP, in the words of other services' clients.

    server.py, connection.py    uvicorn, which nothing else knows
    app.py        ASGI: bodies within limits, errors; routes.py: which path is answered by what
    wire.py, libretranslate.py, deepl.py, opennmt.py, huggingface.py    what clients send and get: pure functions
    service.py    a request's way: limits, detection, segments, batches, and back
    files.py      a file's way: a portion at a time, and kept for a while; documents.py: what is translated in it
    batcher.py    what came while the last batch ran is the next batch
    processes.py  the processes that hold the models, seen from here; models.py, seen from there; messages.py: what
                  they say; generations.py: new models in the place of old ones while requests run
    texts.py      a text's way: its language, its segments (detection.py, segments.py), and its translation
    pairs.py, limits.py, metrics.py, openapi.py, page/

The process that speaks HTTP loads no model and no torch: it starts while another one loads them, and never waits.
"""
