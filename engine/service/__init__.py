"""The engine over HTTP: OpenAI's Images API, a richer one of Easel's own, and a page for people at a desk.

    commands.py     `python -m engine serve` and `keys`
    server.py       listens, says so, drains and stops
    app.py          everything put together: what a request passes on its way
    security.py     what is turned away at the door; who asks
    keys.py         API keys, hashed
    openai_api.py   /v1: what OpenAI's clients speak
    jobs.py         /api/generations, their events and pictures; models.py: /api/models, /api/engine
    shapes.py       what goes over the wire, as types; problems.py: errors, in OpenAI's shape
    events.py       server-sent events
    metrics.py      /metrics, for Prometheus
    page/           the page at /

The jobs are those of any Easel: the same ledger, dispatcher and fairness. An API key is a person.
"""
