"""Two servers on loopback: one between a client and the gateway, one for everything else.

`Watch` passes every byte on as it comes and keeps it, so that what a client may hide (a retry, a
stream that it mends) is seen. `Trap` is the proxy for all other hosts: it refuses and remembers.
"""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Longer than any answer of the simulated backend.
LIMIT = 90
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "expect"}


class Exchange:
    """One request and what came back."""

    def __init__(self, method, path, request):
        self.method, self.path, self.request = method, path, request
        self.status, self.headers, self.response = 0, {}, b""
        self.trouble = None
        self.began = time.monotonic()
        self.seconds = 0.0

    def __str__(self):
        return f"{self.method} {self.path} -> {self.status}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.lock = threading.Lock()
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def note(self, entry):
        with self.lock:
            self.seen.append(entry)

    def take(self):
        """What was seen since the last call."""
        with self.lock:
            seen, self.seen = self.seen, []
            return seen

    def handle_error(self, request, client_address):
        """A client that hangs up is none of ours; the exchange says so."""


class Trap(_Server):
    def __init__(self):
        super().__init__(_Refuse)


class Watch(_Server):
    """Stands in front of the gateway at `base_url`, a URL that ends in `/v1`."""

    def __init__(self, base_url):
        self.gateway = urlsplit(base_url).netloc
        super().__init__(_Pass)


class _Refuse(BaseHTTPRequestHandler):
    def handle_one_request(self):
        line = self.rfile.readline(2000).decode("latin-1").strip()
        while self.rfile.readline(20000).strip():
            pass
        self.close_connection = True
        if line:
            self.server.note(" ".join(line.split()[:2]))
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")


class _Pass(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Silent: the exchanges are the log."""

    def _body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline(100).split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline(10)
        self.rfile.readline(10)
        return b"".join(pieces)

    def _pass(self):
        exchange = Exchange(self.command, self.path, self._body())
        self.server.note(exchange)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        gateway = http.client.HTTPConnection(self.server.gateway, timeout=LIMIT)
        try:
            gateway.request(self.command, self.path, exchange.request or None, headers)
            self._answer(exchange, gateway.getresponse())
        except http.client.HTTPException as error:
            exchange.trouble = f"the gateway broke off: {error!r}"
            self.close_connection = True
        except OSError as error:
            exchange.trouble = exchange.trouble or f"the connection broke: {error!r}"
            self.close_connection = True
        finally:
            exchange.seconds = time.monotonic() - exchange.began
            gateway.close()

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass

    def _answer(self, exchange, response):
        exchange.status = response.status
        exchange.headers = {name.lower(): value for name, value in response.getheaders()}
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        length = response.headers.get("content-length")
        chunked = length is None and self.command != "HEAD"
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        elif length is not None:
            self.send_header("content-length", length)
        self.end_headers()
        while piece := response.read1(65536):
            exchange.response += piece
            if chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            try:
                self.wfile.write(piece)
            except OSError as error:
                exchange.trouble = f"the client left early: {error!r}"
                raise
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
