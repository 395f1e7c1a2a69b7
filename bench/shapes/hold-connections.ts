// A client that makes many connections, asks once on each, and holds them: `node hold-connections.js URL PATH TOKEN COUNT`.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const [base = '', path = '', token = '', count = '0'] = process.argv.slice(2)
const { host, port } = new URL(base)
const held: Socket[] = []
const AT_ONCE = 50

async function open(): Promise<void> {
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!answer.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(answer.toString('latin1').slice(0, 200))
  socket.resume()
  socket.on('close', () => {
    process.stderr.write('a held connection was closed\n')
    process.exit(1)
  })
  held.push(socket)
}

while (held.length < Number(count))
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Number(count) - held.length) }, open))
process.stdout.write(`held ${held.length}\n`)
