"""Keeps `st run` going against a live server.

Each request comes from another network, as those of many clients do: one network that sends wrong passwords without
end has to wait between them, and is told so with 429 in place of 401. And no request ends the user or the key that the
run itself goes by, which KEYWARD_TEST_OWN names: it asks for another.
"""

import itertools
import os

from requests.adapters import HTTPAdapter

numbers = itertools.count()
own = os.environ.get("KEYWARD_TEST_OWN", "").split()
send = HTTPAdapter.send


def send_from_elsewhere(adapter, request, *args, **kwargs):
    number = next(numbers)
    request.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    if request.method != "GET":
        for name in own:
            request.url = request.url.replace(f"/{name}", f"/{name}0")
    return send(adapter, request, *args, **kwargs)


HTTPAdapter.send = send_from_elsewhere
