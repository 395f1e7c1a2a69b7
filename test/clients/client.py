# Python's own HTTP client against the gateway: one connection, several requests. Prints a line for each answer.
import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
body = b"x" * 2_000_000


def pieces():
    for at in range(0, len(body), 64_000):
        yield body[at : at + 64_000]


def ask(name, method, path, **more):
    connection.request(method, path, **more)
    response = connection.getresponse()
    print(name, response.status, len(response.read()), flush=True)


ask("get", "GET", "/get?a=%2F&b", headers={"TE": "trailers", "Keep-Alive": "300", "Proxy-Connection": "keep-alive"})
ask("post", "POST", "/post", body=body)
ask("chunks", "PUT", "/chunks", body=pieces(), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
ask("patch", "PATCH", "/patch", body=b"{}", headers={"Content-Type": "application/merge-patch+json"})
ask("purge", "PURGE", "/purge")
ask("head", "HEAD", "/head")
ask("empty", "DELETE", "/empty")
