// The socket of a service manager (sd_notify), read by Python, as Node has no sockets of that kind.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { temporaryDirectory } from './gateway-process.ts'
import type { Teardown } from './test-gateway.ts'

// A descriptor that comes along (BARRIER=1) is closed by not being taken, which is what its sender waits for.
const READER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(repr(s.recv(65536).decode()), flush=True)
`

export interface NotifySocket {
  readonly path: string
  /** The messages that came, barriers left out. */
  readonly told: () => readonly string[]
}

export async function openNotifySocket(t: Teardown): Promise<NotifySocket> {
  const path = join(temporaryDirectory(t), 'notify.sock')
  const reader = spawn('/usr/bin/python3', ['-c', READER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => reader.kill('SIGKILL'))
  let seen = ''
  reader.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  await once(reader.stdout, 'data')
  const lines = () => seen.split('\n').slice(1, -1)
  return {
    path,
    told: () =>
      lines()
        .map((line) => line.slice(1, -1))
        .filter((line) => line !== 'BARRIER=1'),
  }
}
