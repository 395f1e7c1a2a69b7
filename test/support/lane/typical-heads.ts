// Requests as the clients in use send them, and as the proxies in front of a gateway do.

function request(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const TOKEN = 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

export const TYPICAL_HEADS: Readonly<Record<string, Buffer>> = {
  curl: request('GET /a?b=%2F&c HTTP/1.1', 'Host: localhost:8080', 'User-Agent: curl/8.14.1', 'Accept: */*', '', ''),
  'curl posts': request(
    'POST /a HTTP/1.1',
    'Host: localhost:8080',
    'User-Agent: curl/8.14.1',
    'Accept: */*',
    'Content-Length: 5',
    'Content-Type: application/x-www-form-urlencoded',
    '',
    'hello',
  ),
  'Node fetch': request(
    'POST /things HTTP/1.1',
    'host: 127.0.0.1:8080',
    'connection: keep-alive',
    `authorization: ${TOKEN}`,
    'content-type: text/plain;charset=UTF-8',
    'accept: */*',
    'accept-language: *',
    'sec-fetch-mode: cors',
    'user-agent: node',
    'accept-encoding: gzip, deflate',
    'content-length: 2',
    '',
    'ok',
  ),
  'Java HttpClient': request(
    'GET /x HTTP/1.1',
    'Content-Length: 0',
    'Host: 127.0.0.1:8080',
    'User-Agent: Java-http-client/21.0.9',
    '',
    '',
  ),
  'Python requests': request(
    'GET /get HTTP/1.1',
    'Host: 127.0.0.1:8080',
    'User-Agent: python-requests/2.32.3',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept: */*',
    'Connection: keep-alive',
    '',
    '',
  ),
  'Python urllib': request(
    'PUT /put HTTP/1.1',
    'Accept-Encoding: identity',
    'Content-Length: 3',
    'Host: 127.0.0.1:8080',
    'User-Agent: Python-urllib/3.13',
    'Connection: close',
    '',
    'abc',
  ),
  Go: request('GET /go HTTP/1.1', 'Host: a.test', 'User-Agent: Go-http-client/1.1', 'Accept-Encoding: gzip', '', ''),
  Chromium: request(
    'GET /page?q=1 HTTP/1.1',
    'Host: localhost:8080',
    'Connection: keep-alive',
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    'sec-ch-ua-mobile: ?0',
    'Upgrade-Insecure-Requests: 1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
    'Referer: http://localhost:8080/',
    'Accept-Language: en-US,en;q=0.9',
    'Cookie: access_token=a.b.c; theme=dark',
    'If-None-Match: W/"1-a"',
    '',
    '',
  ),
  wrk: request('GET / HTTP/1.1', 'Host: 127.0.0.1:8080', `Authorization: ${TOKEN}`, '', ''),
  HAProxy: request(
    'DELETE /x/1 HTTP/1.1',
    'host: a.test',
    'accept: application/json',
    'x-forwarded-for: 192.0.2.7',
    'x-forwarded-proto: https',
    '',
    '',
  ),
  nginx: request(
    'PATCH /api/1 HTTP/1.1',
    'X-Real-IP: 192.0.2.7',
    'X-Forwarded-For: 192.0.2.7, 198.51.100.1',
    'Host: backend',
    'Connection: close',
    'Content-Length: 2',
    'Content-Type: application/merge-patch+json',
    '',
    '{}',
  ),
  Envoy: request(
    'HEAD /service HTTP/1.1',
    'host: service.test',
    'user-agent: grpc-web/1.0',
    'x-forwarded-proto: http',
    'x-request-id: 6f5f2b0e-6a0c-4c6a-9f5e-0f6c1d0a2f11',
    'x-envoy-expected-rq-timeout-ms: 15000',
    `traceparent: ${TRACE}`,
    '',
    '',
  ),
}

/** With so many field lines that Node's parser hands them over in several pieces, or leaves the last ones out. */
export function longHeads(): readonly Buffer[] {
  const counts = [30, 31, 32, 33, 63, 64, 65, 500, 997, 998, 999, 1000, 1001, 1500]
  return counts.map((count) => {
    const lines = Array.from({ length: count }, (_, index) => `x${index.toString(36)}:1`)
    return request('GET / HTTP/1.1', 'Host: a', ...lines, '', '')
  })
}
