"""Translation over HTTP, in the words of other services' clients.

    app.py        routes and errors; alone with nmt/cli/serve.py it knows the framework
    wire.py, libretranslate.py, deepl.py, others.py    what clients send and get: pure functions
    service.py    a request's way: limits, detection, segments, batches, and back
    batcher.py    what came while the last batch ran is the next batch
    processes.py  the processes that hold the models, seen from here; models.py, seen from there
    pairs.py, detection.py, segments.py, limits.py, metrics.py, html.py, openapi.py, page/

The process that speaks HTTP loads no model and no torch: it starts while another one loads them, and never waits.
"""
