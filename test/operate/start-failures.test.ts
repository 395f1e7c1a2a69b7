// Whatever is wrong in a config is told at file:line:column of its option, by check, by check --json and by run.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCli } from '../support/run-cli.ts'
import { CLOSED, issuer, NAMES, OPEN, OWN, placeOf, REMOTE, renewal, startFiles } from '../support/start-files.ts'

const FOLDER = startFiles(t)

/** Wrong in the file: told before anything starts. */
const WRONG: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a key file that is not there': [issuer('{ jwksFile: «none.json }') + CLOSED, /there is no such file/],
  'a JWK set that is none': [issuer('{ jwksFile: «junk.txt }') + CLOSED, /is not JSON/],
  'a JWK set without keys': [issuer('{ jwksFile: «empty.json }') + CLOSED, /no key/],
  'a PEM file that is none': [issuer('{ pemFile: «junk.txt }') + CLOSED, /no public key or certificate/],
  'a private key': [issuer('{ pemFile: «private.pem }') + CLOSED, /holds a private key/],
  'a secret that is too short': [issuer('{ secret: { value: «short } }') + CLOSED, /5 bytes, HS256 needs 32/],
  'a secret of a variable that is not set': [
    issuer('{ secret: { value: «"${NO_SUCH_SECRET}" } }') + CLOSED,
    /NO_SUCH_SECRET/,
  ],
  'a secret of a file that is not there': [
    issuer('{ secret: { value: «"${file:./none.txt}" } }') + CLOSED,
    /no such file/,
  ],
  'no keys': [issuer('«{}').replace('keys: «', '«keys: ') + CLOSED, /needs one of/],
  'a header of keys without a value': [
    issuer('{ jwksUrl: "https://i.example.com/k", headers: { authorization: { file: «nothing.txt } } }') + CLOSED,
    /is empty/,
  ],
  'authorities of keys that are none': [
    issuer('{ jwksUrl: "https://i.example.com/k", ca: «junk.txt }') + CLOSED,
    /no certificate in PEM/,
  ],
  'a signing key that is not there': [
    issuer(REMOTE, renewal('{ kid: a, alg: ES256, pemFile: «none.pem }')) + CLOSED,
    /there is no such file/,
  ],
  'a signing key that is public': [
    issuer(REMOTE, renewal('{ kid: a, alg: ES256, pemFile: «public.pem }')) + CLOSED,
    /no private key in PEM/,
  ],
  'a verification key that is none': [
    issuer(REMOTE, renewal(OWN, '      verificationKeys: [{ kid: b, alg: ES256, pemFile: «junk.txt }]\n')) + CLOSED,
    /no key or certificate in PEM/,
  ],
  'two keys of one kid': [
    issuer(REMOTE, renewal(OWN, '      verificationKeys: [{ kid: «a, alg: ES256, pemFile: other.pem }]\n')) + CLOSED,
    /same kid/,
  ],
  'a URL of no Redis': [`revocation: { store: { redis: «http://127.0.0.1 } }\n${OPEN}`, /no URL of a Redis/],
  'authorities of Redis that are not there': [
    `revocation: { store: { redis: rediss://127.0.0.1, ca: «none.pem } }\n${OPEN}`,
    /no such file/,
  ],
  'authorities of Redis that are none': [
    `revocation: { store: { redis: rediss://127.0.0.1, ca: «junk.txt } }\n${OPEN}`,
    /no certificate in PEM/,
  ],
  'a folder that lies in a file': [`revocation: { store: { level: «junk.txt/x } }\n${OPEN}`, /lies in a file/],
  'a certificate that is not there': [
    `listen: { tls: { cert: «none.pem, key: ${NAMES.key} } }\n${OPEN}`,
    /no such file/,
  ],
  'a certificate that is none': [
    `listen: { tls: { cert: «junk.txt, key: ${NAMES.key} } }\n${OPEN}`,
    /no certificate in PEM/,
  ],
  'the key of another certificate': [
    `listen: { tls: { cert: ${NAMES.cert}, key: «${NAMES.otherKey} } }\n${OPEN}`,
    /not the key of the certificate/,
  ],
  'authorities of an upstream that are none': [
    'upstreams: { up: { targets: [https://127.0.0.1:1], tls: { ca: «junk.txt } } }\nroutes: [{ path: /x, upstream: up, auth: none }]\n',
    /no certificate in PEM/,
  ],
  'one port for two listeners': [`listen: { port: 4711 }\nadmin: { port: «4711 }\n${OPEN}`, /port/],
}

t.test('what is wrong in the file is told at its option by check, as text and as JSON, and by run', async (t) => {
  for (const [title, [marked, words]] of Object.entries(WRONG)) {
    const { text, line, column } = placeOf(marked)
    const file = join(FOLDER, 'c.yaml')
    writeFileSync(file, text)
    const told = new RegExp(`c\\.yaml:${line}:${column} error: .*${words.source}`)
    t.match(await runCli('check', '--no-lookup', '-c', file), { code: 1, err: told, out: '' }, `check: ${title}`)
    const { code, out } = await runCli('check', '--no-lookup', '--json', '-c', file)
    t.equal(code, 1)
    t.match(JSON.parse(out), { ok: false, errors: [{ file, line, column, message: words }] }, `check --json: ${title}`)
    t.equal((JSON.parse(out) as { errors: unknown[] }).errors.length, 1, `one error: ${title}`)
    const run = await runCli('run', '-c', file)
    t.match(run, { code: 1, err: told, out: '' }, `run: ${title}`)
    t.match(run.err, /nothing was started/)
  }
})
