// The upstream of all policies, a process of its own: a small constant answer.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const BODY = JSON.stringify({ hello: 'world', items: [1, 2, 3, 4, 5] })

const server = createServer((_request, response) => {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': BODY.length,
  })
  response.end(BODY)
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
