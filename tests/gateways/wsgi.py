"""An API as a real WSGI server runs it: it is told header fields as variables, in which `-` and `_` are the same.

Prints its port. Remembers what reached it: `GET /seen` answers one line of JSON for each request since the last look.
"""
import json
import socketserver
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

seen, lock = [], threading.Lock()


def app(environ, start):
    if environ["PATH_INFO"] == "/seen":
        with lock:
            body = "".join(json.dumps(one) + "\n" for one in seen)
            seen.clear()
    else:
        names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")
        told = {name: environ[name] for name in environ if name in names or name.startswith("HTTP_")}
        with lock:
            seen.append(told)
        body = "".join(f"{name}={value}\n" for name, value in sorted(told.items()))
    body = body.encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass

    def address_string(self):
        return self.client_address[0]


server = make_server("127.0.0.1", 0, app, Server, Handler)
print(server.server_port, flush=True)
server.serve_forever()
