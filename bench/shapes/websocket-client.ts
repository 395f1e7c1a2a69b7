// WebSockets to the gateway: `URL TOKEN COUNT SECONDS`. Opens them, says so, plays ping-pong for the seconds, says how often.
import { once } from 'node:events'
import { WebSocket } from 'ws'

const [url = '', token = '', count = '0', seconds = '0'] = process.argv.slice(2)
const AT_ONCE = 50
const MESSAGE = 'x'.repeat(100)
const sockets: WebSocket[] = []

async function open(): Promise<void> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false })
  await once(socket, 'open')
  socket.on('close', () => {
    process.stderr.write('a WebSocket was closed\n')
    process.exit(1)
  })
  sockets.push(socket)
}

while (sockets.length < Number(count))
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Number(count) - sockets.length) }, open))
process.stdout.write(`open ${sockets.length}\n`)

if (Number(seconds) > 0) {
  let rounds = 0
  let playing = true
  for (const socket of sockets) {
    socket.on('message', () => {
      rounds += 1
      if (playing) socket.send(MESSAGE)
    })
    socket.send(MESSAGE)
  }
  setTimeout(
    () => {
      playing = false
      process.stdout.write(`rounds ${rounds}\n`)
    },
    Number(seconds) * 1000,
  )
}
