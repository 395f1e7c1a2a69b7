// Frames of HTTP/2 written and read byte by byte: for what no client library would send.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

import type { Teardown } from './test-gateway.ts'
import { waitFor } from './wait-for.ts'

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export const TYPE = {
  ...{
    data: 0,
    headers: 1,
    priority: 2,
    reset: 3,
    settings: 4,
    push: 5,
    ping: 6,
    goaway: 7,
    window: 8,
    continuation: 9,
  },
} as const

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const

/** RFC 9113 section 7. */
export const ERROR = {
  ...{ none: 0, protocol: 1, internal: 2, flow: 3, settings: 4, closed: 5, frameSize: 6, refused: 7, cancel: 8 },
  ...{ compression: 9, calm: 11 },
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export type Fields = readonly (readonly [name: string, value: string])[]

/** A header block: literal fields that are not indexed (RFC 7541 section 6.2.2). */
export function block(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

/** The pseudo-header fields of a good request, with those given in their place, and what is to follow. */
export function requestFields(changes: Readonly<Record<string, string | undefined>> = {}, more: Fields = []): Fields {
  const pseudo = { ':method': 'GET', ':scheme': 'http', ':authority': 'a.example', ':path': '/', ...changes }
  const kept = Object.entries(pseudo).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return [...kept, ...more]
}

export function headers(stream: number, fields: Fields, flags: number = FLAG.endStream | FLAG.endHeaders): Buffer {
  return frame(TYPE.headers, flags, stream, block(fields))
}

export function settings(pairs: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(pairs.length * 6)
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, index * 6)
    payload.writeUInt32BE(value, index * 6 + 2)
  }
  return frame(TYPE.settings, 0, 0, payload)
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const reset = (stream: number, code: number = ERROR.cancel) => frame(TYPE.reset, 0, stream, word(code))
export const windowUpdate = (stream: number, bytes: number) => frame(TYPE.window, 0, stream, word(bytes))

export interface FrameConnection {
  readonly socket: Socket
  readonly frames: Frame[]
  send(...bytes: readonly Buffer[]): void
  /** The first frame that is wanted, or undefined when the connection closes without it. */
  until(isWanted: (frame: Frame) => boolean): Promise<Frame | undefined>
  /** What ended it, once it is closed: the code of the last GOAWAY. */
  end(): Promise<number | undefined>
  readonly closed: () => boolean
}

/** The body of a response, as text. */
export function bodyOf(frames: readonly Frame[], stream: number): string {
  const data = frames.filter((one) => one.type === TYPE.data && one.stream === stream)
  return Buffer.concat(data.map(({ payload }) => payload)).toString('latin1')
}

/** Opens a connection and says the preface with settings, unless told to say nothing. */
export async function openFrames(t: Teardown, port: number, first?: Buffer): Promise<FrameConnection> {
  const socket = connect(port, '127.0.0.1')
  const frames: Frame[] = []
  let unread: Buffer = Buffer.alloc(0)
  let closed = false
  socket
    .on('data', (piece: Buffer) => {
      unread = Buffer.concat([unread, piece])
      while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
        const end = 9 + unread.readUIntBE(0, 3)
        const [type = 0, flags = 0] = [unread[3], unread[4]]
        frames.push({ type, flags, stream: unread.readUInt32BE(5), payload: unread.subarray(9, end) })
        unread = unread.subarray(end)
      }
    })
    .on('error', () => undefined)
    .on('close', () => (closed = true))
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(first ?? Buffer.concat([PREFACE, settings()]))
  return {
    socket,
    frames,
    send: (...bytes) => void socket.write(Buffer.concat(bytes)),
    async until(isWanted) {
      await waitFor(() => frames.some(isWanted) || closed, 5000)
      return frames.find(isWanted)
    },
    async end() {
      await waitFor(() => closed, 5000)
      return frames.findLast(({ type }) => type === TYPE.goaway)?.payload.readUInt32BE(4)
    },
    closed: () => closed,
  }
}
