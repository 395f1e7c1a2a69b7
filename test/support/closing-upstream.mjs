// An upstream in a thread of its own that does not keep its word about kept connections: closes them without one, at random or
// when they were silent for some time, or sends an answer that nobody asked for.
import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** After which share of its answers, how much later (between least and most), and what. */
const { share, leastMs, mostMs, does } = workerData

function answer(id) {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\n\r\n${id}`
}

const server = createServer((socket) => {
  let text = ''
  let later
  socket.on('error', () => undefined).on('close', () => clearTimeout(later))
  socket.on('data', (piece) => {
    if (does === 'close') clearTimeout(later)
    text += piece.toString('latin1')
    for (;;) {
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0)
      if (text.length < head + 4 + length) return
      socket.write(answer(/^\S+ \/(\S+)/.exec(text)?.[1] ?? ''))
      text = text.slice(head + 4 + length)
      if (Math.random() >= share) continue
      const act = does === 'close' ? () => socket.destroy() : () => socket.write(answer('stray'))
      if (mostMs === 0) socket.end()
      else later = setTimeout(act, leastMs + Math.random() * (mostMs - leastMs))
    }
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage({ port: server.address().port }))
