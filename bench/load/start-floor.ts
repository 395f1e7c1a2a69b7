// The floor as a server of a bench.
import { freePort } from '../harness/free-port.ts'
import { nodeServer, type Server } from '../harness/server.ts'

export async function startFloor(upstream: string): Promise<Server> {
  return nodeServer(new URL('floor.js', import.meta.url), 'floor', await freePort(), [upstream])
}
