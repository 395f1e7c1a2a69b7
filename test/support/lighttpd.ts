// A real CGI server: lighttpd, whose program answers with the variables that it was given.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import type { Test } from 'tap'

import { eventually } from './eventually.ts'
import { freePort } from '../../bench/harness/free-port.ts'

export const LIGHTTPD = '/usr/sbin/lighttpd'

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const up = await Promise.race([
    once(socket, 'connect').then(() => true),
    new Promise<boolean>((resolve) => socket.once('error', () => resolve(false))),
  ])
  socket.destroy()
  return up
}

/** Serves every path by a program that prints its environment, each variable ended by a NUL byte. */
export async function startLighttpd(t: Test): Promise<{ readonly url: string }> {
  const directory = t.testdir({ root: {} })
  const port = await freePort()
  const program = join(directory, 'root', 'env.cgi')
  writeFileSync(program, '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nenv -0\n')
  chmodSync(program, 0o755)
  const config = join(directory, 'lighttpd.conf')
  writeFileSync(
    config,
    `server.document-root = "${join(directory, 'root')}"
server.bind = "127.0.0.1"
server.port = ${port}
server.modules = ("mod_alias", "mod_cgi")
alias.url = ("/" => "${program}/")
cgi.assign = (".cgi" => "")
`,
  )
  const server = spawn(LIGHTTPD, ['-D', '-f', config], { stdio: 'ignore' })
  t.teardown(async () => {
    server.kill()
    await once(server, 'exit')
  })
  await eventually(() => isListening(port), 'lighttpd listens')
  return { url: `http://127.0.0.1:${port}` }
}

/** Variables by name, from the program's answer. */
export function variablesIn(body: string): ReadonlyMap<string, string> {
  return new Map(
    body.split('\0').flatMap((line): [string, string][] => {
      const equals = line.indexOf('=')
      return equals < 1 ? [] : [[line.slice(0, equals), line.slice(equals + 1)]]
    }),
  )
}
