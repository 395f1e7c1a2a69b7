// A client that never runs out of new tokens: `URL PATH STATUS COUNT USES CONNECTIONS PIPELINED`, any other status ends it.
import { once } from 'node:events'
import { connect } from 'node:net'

import { createNumberedTokens } from './numbered-tokens.ts'

const [base = '', path = '', status = '', ...numbers] = process.argv.slice(2)
const [count = 0, uses = 1, connections = 1, pipelined = 1] = numbers.map(Number)
const { host, port } = new URL(base)
const HEAD = 'HTTP/1.1 '
// A token that is used again is so a little later, when others came in between.
const LATER = 20
const tokenOf = createNumberedTokens()
const total = count * uses
let next = 0

function requestOf(index: number): string {
  const token = tokenOf(Math.max(0, Math.floor(index / uses) - LATER * (index % uses)))
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`
}

/** Writes some requests, waits for as many answers, and goes on until all tokens were sent. */
async function work(): Promise<void> {
  const socket = connect(Number(port), '127.0.0.1').setEncoding('latin1')
  await once(socket, 'connect')
  while (next < total) {
    const first = next
    next = Math.min(next + pipelined, total)
    socket.write(Array.from({ length: next - first }, (_, offset) => requestOf(first + offset)).join(''))
    let due = next - first
    let rest = ''
    while (due > 0) {
      const [chunk] = (await once(socket, 'data')) as [string]
      const parts = (rest + chunk).split(HEAD)
      // The last part may hold the beginning of the next head only; where the status is cut off, it is looked at with the next chunk.
      const last = parts.at(-1) ?? ''
      const isCut = parts.length > 1 && last.length < status.length
      for (const part of parts.slice(1, isCut ? -1 : undefined))
        if (!part.startsWith(status)) throw new Error(`answered ${part.slice(0, 200)}`)
      due -= parts.length - 1 - (isCut ? 1 : 0)
      rest = isCut ? HEAD + last : last.slice(-HEAD.length)
    }
  }
  socket.destroy()
}

await Promise.all(Array.from({ length: connections }, work))
process.stdout.write(`sent ${total}\n`)
process.exit(0)
