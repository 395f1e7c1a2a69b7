// What keeps a right config from starting, a file that goes or a port that is taken, is told at file:line:column of its option.
import t from 'tap'
import { ClassicLevel } from 'classic-level'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'

import { loadForCommand } from '../../../gateway/src/operate/commands/config-file.ts'
import { startGateway } from '../../../gateway/src/operate/process/main.ts'
import {
  CLOSED,
  issuer,
  LISTEN,
  NAMES,
  OPEN,
  OWN,
  placeOf,
  REMOTE,
  renewal,
  startFiles,
} from '../../support/start-files.ts'

const BIN = new URL('../../../gateway/bin/tollgate.js', import.meta.url).pathname
const silent = pino({ level: 'silent' })
const FOLDER = startFiles(t)

interface Late {
  readonly config: string
  /** What happens between the check of the file and the start; returns what ends it. */
  readonly change: (folder: string) => unknown
  readonly told: RegExp
}

const gone = (name: string) => (folder: string) => {
  rmSync(join(folder, name))
}
const replaced = (name: string, by: string) => (folder: string) => {
  copyFileSync(join(FOLDER, by), join(folder, name))
}

/** Right in the file, and wrong when the gateway starts: a file that goes, a port that is taken. */
const LATE: Readonly<Record<string, Late>> = {
  'a JWK set that is gone': {
    config: LISTEN + issuer('{ jwksFile: «jwks.json }') + CLOSED,
    change: gone('jwks.json'),
    told: /issuer main: key file .*jwks\.json cannot be read \(ENOENT\)/,
  },
  'a JWK set that is JSON no more': {
    config: LISTEN + issuer('{ jwksFile: «jwks.json }') + CLOSED,
    change: replaced('jwks.json', 'junk.txt'),
    told: /issuer main: key file .* is not JSON/,
  },
  'a JWK set that is empty now': {
    config: LISTEN + issuer('{ jwksFile: «jwks.json }') + CLOSED,
    change: replaced('jwks.json', 'empty.json'),
    told: /issuer main: .*no key/,
  },
  'a public key that is gone': {
    config: LISTEN + issuer('{ pemFile: «public.pem }') + CLOSED,
    change: gone('public.pem'),
    told: /issuer main: key file .*public\.pem cannot be read/,
  },
  'a public key that is none now': {
    config: LISTEN + issuer('{ pemFile: «public.pem }') + CLOSED,
    change: replaced('public.pem', 'junk.txt'),
    told: /issuer main: /,
  },
  'a signing key that is gone': {
    config: LISTEN + issuer(REMOTE, renewal('{ kid: a, alg: ES256, pemFile: «private.pem }')) + CLOSED,
    change: gone('private.pem'),
    told: /issuer main: renewal: key file .*private\.pem cannot be read/,
  },
  'a signing key that is public now': {
    config: LISTEN + issuer(REMOTE, renewal('{ kid: a, alg: ES256, pemFile: «private.pem }')) + CLOSED,
    change: replaced('private.pem', 'public.pem'),
    told: /issuer main: renewal: /,
  },
  'a verification key that is gone': {
    config:
      LISTEN +
      issuer(REMOTE, renewal(OWN, '      verificationKeys: [{ kid: b, alg: ES256, pemFile: «other.pem }]\n')) +
      CLOSED,
    change: gone('other.pem'),
    told: /issuer main: renewal: key file .*other\.pem cannot be read/,
  },
  'authorities of Redis that are gone': {
    config: `${LISTEN}revocation: { store: { redis: rediss://127.0.0.1:1, ca: «${NAMES.cert} } }\n${OPEN}`,
    change: gone(NAMES.cert),
    told: /the CA file .* cannot be read/,
  },
  'a certificate that is gone': {
    config: `listen: { port: 0, tls: { cert: «${NAMES.cert}, key: ${NAMES.key} } }\nadmin: { port: 0 }\n${OPEN}`,
    change: gone(NAMES.cert),
    told: /the certificate .* cannot be read/,
  },
  'a key that is gone': {
    config: `listen: { port: 0, tls: { cert: ${NAMES.cert}, key: «${NAMES.key} } }\nadmin: { port: 0 }\n${OPEN}`,
    change: gone(NAMES.key),
    told: /the key .* cannot be read/,
  },
  'a key of another certificate now': {
    config: `listen: { port: 0, tls: «{ cert: ${NAMES.cert}, key: ${NAMES.key} } }\nadmin: { port: 0 }\n${OPEN}`,
    change: replaced(NAMES.key, NAMES.otherKey),
    told: /cannot be used for TLS: .*\(listen\.tls\)/,
  },
  'authorities of an upstream that are gone': {
    config: `${LISTEN}upstreams: { up: { targets: [https://127.0.0.1:1], tls: { ca: «${NAMES.cert} } } }\nroutes: [{ path: /x, upstream: up, auth: none }]\n`,
    change: gone(NAMES.cert),
    told: /the CA file .* cannot be read/,
  },
  'the key for an upstream that is gone, with the other transport': {
    config: `${LISTEN}upstreams: { up: { transport: undici, targets: [https://127.0.0.1:1], tls: { cert: ${NAMES.cert}, key: «${NAMES.key} } } }\nroutes: [{ path: /x, upstream: up, auth: none }]\n`,
    change: gone(NAMES.key),
    told: /the key .* cannot be read/,
  },
  'a folder that another process has': {
    config: `${LISTEN}revocation: { store: { level: «list } }\n${OPEN}`,
    async change(folder) {
      const other = new ClassicLevel(join(folder, 'list'))
      await other.open()
      return () => other.close()
    },
    told: /in use by another process/,
  },
  'a host that this machine does not have': {
    config: `listen: { host: «192.0.2.1, port: 0 }\nadmin: { port: 0 }\n${OPEN}`,
    change: () => undefined,
    told: /cannot be listened on \(EADDRNOTAVAIL\)/,
  },
}

t.test('what keeps a right config from starting is told at its option as well', async (t) => {
  for (const [title, { config, change, told }] of Object.entries(LATE)) {
    await t.test(title, async (t) => {
      const folder = t.testdir({})
      for (const name of ['public.pem', 'private.pem', 'other.pem', 'jwks.json', ...Object.values(NAMES)])
        copyFileSync(join(FOLDER, name), join(folder, name))
      const { text, line, column } = placeOf(config)
      const file = join(folder, 'c.yaml')
      writeFileSync(file, text)
      const loaded = loadForCommand(file)
      const end = (await change(folder)) as (() => Promise<void>) | undefined
      const place = new RegExp(`c\\.yaml:${line}:${column} error: .*${told.source}`)
      await t.rejects(
        loaded.blaming(() => startGateway(loaded.config, silent)),
        { message: place },
      )
      await end?.()
    })
  }
})

t.test('a process and one with workers end with exit code 1, and name the option in one line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  for (const [workers, marked] of [
    [1, `listen: { port: «${port} }\nadmin: { port: 0 }\n${OPEN}`],
    [1, `listen: { port: 0 }\nadmin: { port: «${port} }\n${OPEN}`],
    [2, `workers: 2\nlisten: { port: «${port} }\nadmin: { port: 0 }\n${OPEN}`],
    [2, `workers: 2\nlisten: { port: 0 }\nadmin: { port: «${port} }\n${OPEN}`],
  ] as const) {
    const { text, line, column } = placeOf(marked)
    const file = join(t.testdir({ 'c.yaml': text }), 'c.yaml')
    const { code, told } = await new Promise<{ code: unknown; told: string }>((resolve) => {
      execFile(process.execPath, [BIN, 'run', '-c', file], (error, _out, told) => {
        resolve({ code: error?.code, told })
      })
    })
    t.equal(code, 1, `${workers} workers`)
    t.match(told, new RegExp(`^${file}:${line}:${column} error: port ${port} of 127.0.0.1 is in use .*\n$`))
  }
})
