// The client that never runs out of new tokens, started as a scripted client.
import { startScriptedClient, type ScriptedClient } from '../harness/scripted-client.ts'

export interface TokenStream {
  readonly url: string
  readonly path: string
  /** What every answer must be. */
  readonly status: number
  /** Distinct tokens, after which it ends. */
  readonly count: number
  /** How often each token is sent, the first time included. Default 1. */
  readonly uses?: number
  readonly connections: number
  /** Requests that a connection sends before it waits for their answers. Default 1. */
  readonly pipelined?: number
}

export function sendTokens({
  url,
  path,
  status,
  count,
  uses = 1,
  connections,
  pipelined = 1,
}: TokenStream): ScriptedClient {
  const numbers = [status, count, uses, connections, pipelined].map(String)
  return startScriptedClient(new URL('send-tokens.js', import.meta.url), [url, path, ...numbers])
}
