"""The HTTP server: every adapter's routes in one place, with health, metrics and a calm end.

application    every route of every adapter, behind one guard
webhook        verify, parse, receive, answer: the way of a platform's request
guard          what every request goes through, and how errors are said
health         /healthz, /readyz, /metrics
metrics        counters, in a registry of our own
proxies        whose X-Forwarded-For is believed
pages          security headers for pages, with a nonce
logs, scrub    one JSON object a line, without customers' words
running        listen, and stop so that nothing is lost
"""

from segue.server.application import make_app
from segue.server.guard import Gate
from segue.server.health import Ready
from segue.server.logs import configure_logging
from segue.server.metrics import Metrics
from segue.server.pages import page, page_headers
from segue.server.running import Server, serve

__all__ = [
    "Gate",
    "Metrics",
    "Ready",
    "Server",
    "configure_logging",
    "make_app",
    "page",
    "page_headers",
    "serve",
]
