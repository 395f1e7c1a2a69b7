# Python's requests (on urllib3) against the gateway: one session, several requests. Prints a line for each answer.
import sys

import requests

session = requests.Session()
base = "http://127.0.0.1:" + sys.argv[1]
for name, method, more in [
    ("get", "GET", {"params": {"a": "/", "b": ""}}),
    ("form", "POST", {"data": {"a": "1"}}),
    ("json", "PUT", {"json": {"a": [1]}}),
    ("file", "POST", {"files": {"f": ("name", b"x" * 100_000)}}),
    ("large", "PATCH", {"data": b"x" * 2_000_000}),
    ("head", "HEAD", {}),
    ("bearer", "GET", {"headers": {"Authorization": "Bearer a.b.c"}, "cookies": {"theme": "dark", "a": "b"}}),
]:
    answer = session.request(method, base + "/" + name, timeout=20, **more)
    print(name, answer.status_code, len(answer.content), flush=True)
