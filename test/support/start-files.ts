// Files of keys and certificates, and configs that name them: « marks the place where a fault is to be told.
import type { Test } from 'tap'
import { generateKeyPairSync } from 'node:crypto'

import { makeCertificate } from './certificates.ts'

export const LISTEN = 'listen: { port: 0 }\nadmin: { port: 0 }\n'
const UP = 'upstreams: { up: { targets: [http://127.0.0.1:1] } }\n'
export const OPEN = `${UP}routes: [{ path: /x, upstream: up, auth: none }]\n`
export const CLOSED = `${UP}routes: [{ path: /x, upstream: up }]\n`

const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const [one, two] = [ec(), ec()]
/** A folder with them all. */
export function startFiles(t: Test): string {
  const folder = t.testdir({
    'public.pem': one.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    'private.pem': one.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    'other.pem': two.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    'jwks.json': JSON.stringify({ keys: [{ ...one.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }] }),
    'empty.json': '{"keys":[]}',
    'junk.txt': 'junk',
    'nothing.txt': '',
  })
  makeCertificate(folder, 'first.example.com')
  makeCertificate(folder, 'second.example.com')
  return folder
}
export const NAMES = {
  cert: 'first.example.com.cert.pem',
  key: 'first.example.com.key.pem',
  otherKey: 'second.example.com.key.pem',
}

export function issuer(keys: string, more = ''): string {
  return `issuers:\n  - name: main\n    issuer: https://i.example.com\n    audiences: [a]\n    algorithms: [${more.includes('HS256') || keys.includes('secret') ? 'HS256' : 'ES256'}]\n    keys: ${keys}\n${more}`
}
export function renewal(signing: string, verification = ''): string {
  return `    renewal:\n      strategy: ahead\n      window: 1m\n      lifetime: 5m\n      maxSession: 8h\n      signingKey: ${signing}\n${verification}`
}
export const REMOTE = '{ jwksUrl: "https://i.example.com/jwks.json" }'
export const OWN = '{ kid: a, alg: ES256, pemFile: private.pem }'

export function placeOf(marked: string): { readonly text: string; readonly line: number; readonly column: number } {
  const at = marked.indexOf('«')
  const before = marked.slice(0, at).split('\n')
  return { text: marked.replace('«', ''), line: before.length, column: (before.at(-1) ?? '').length + 1 }
}
