// Makes the gateway remember many tokens: `URL PATH COUNT`, one request each, the answer being the 403 that costs least.
import { once } from 'node:events'
import { connect } from 'node:net'

import { createNumberedTokens } from './numbered-tokens.ts'

const [base = '', path = '', count = '0'] = process.argv.slice(2)
const { host, port } = new URL(base)
const SOCKETS = 16
const PIPELINED = 16
const ANSWER = 'HTTP/1.1 403'
const tokenOf = createNumberedTokens()
let next = 0

/** Writes some requests, waits for as many answers, and goes on until all tokens were sent. */
async function work(): Promise<void> {
  const socket = connect(Number(port), '127.0.0.1').setEncoding('latin1')
  await once(socket, 'connect')
  let rest = ''
  while (next < Number(count)) {
    const first = next
    next = Math.min(next + PIPELINED, Number(count))
    let requests = ''
    for (let index = first; index < next; index += 1)
      requests += `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${tokenOf(index)}\r\n\r\n`
    let due = next - first
    socket.write(requests)
    while (due > 0) {
      const [chunk] = (await once(socket, 'data')) as [string]
      const seen = (rest + chunk).split(ANSWER)
      due -= seen.length - 1
      rest = (seen.at(-1) ?? '').slice(1 - ANSWER.length)
    }
    rest = ''
  }
  socket.destroy()
}

await Promise.all(Array.from({ length: SOCKETS }, work))
process.stdout.write(`sent ${next}\n`)
process.exit(0)
