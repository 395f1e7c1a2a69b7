// The upstream of all candidates, a process of its own: a small or a large constant answer that tells whether an auth result came.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const BODY = JSON.stringify({ hello: 'world', items: [1, 2, 3, 4, 5] })

const LARGE = Buffer.from(BODY.padEnd(1_048_576))

const server = createServer((request, response) => {
  const body = request.url === '/api/large' ? LARGE : BODY
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-saw-result': request.headers['x-auth-result'] === undefined ? 'no' : 'yes',
  })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
