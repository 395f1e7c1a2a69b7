// tollgate keys generate: generates a key pair or a secret for an issuer, as PEM and as JWK set (RFC 7517).
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Option, type Command } from 'commander'

import { CommandFailed, WrongCall } from '../command-failed.ts'
import { kidLine } from '../../../renew/signing/kid-in-pem.ts'
import { ALGORITHMS, type Algorithm } from '../../../options/tokens.ts'

interface Generated {
  /** The private key in PEM, or the secret as text. */
  readonly secretText: string
  readonly jwk: Record<string, unknown>
}

const CURVES: Partial<Record<Algorithm, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
const SECRET_BYTES: Partial<Record<Algorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 }
const RSA_BITS = 3072

function keyPair(algorithm: Algorithm): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  const namedCurve = CURVES[algorithm]
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve })
  if (algorithm === 'Ed448') return generateKeyPairSync('ed448')
  return algorithm === 'EdDSA' || algorithm === 'Ed25519'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
}

export function generateKey(algorithm: Algorithm, kid: string): Generated {
  const secretBytes = SECRET_BYTES[algorithm]
  if (secretBytes !== undefined) {
    const secretText = randomBytes(secretBytes).toString('base64url')
    return { secretText, jwk: { kty: 'oct', k: secretText, kid, alg: algorithm } }
  }
  const { publicKey, privateKey } = keyPair(algorithm)
  return {
    secretText: `${kidLine(kid)}\n${privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()}`,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
  }
}

/** The flag `wx` refuses to overwrite a file: an existing key may be in use. */
function write(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { mode, flag: 'wx' })
  } catch (error) {
    throw new CommandFailed(
      `${file} cannot be written: ${(error as NodeJS.ErrnoException).code === 'EEXIST' ? 'it is there already' : 'no rights or no such folder'}`,
    )
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    throw new CommandFailed(`${folder} cannot be made: a file is in its place, or no rights`)
  }
}

export function addKeys(keys: Command): void {
  keys
    .command('generate')
    .description('make a key pair: the private key in PEM, the public one as a JWK set')
    .addOption(
      new Option('--alg <algorithm>', 'signature algorithm (required)').choices([...ALGORITHMS]).makeOptionMandatory(),
    )
    .requiredOption(
      '--kid <id>',
      'key id (required); it stands in the PEM too, and goes with what is signed and published',
    )
    .option(
      '--out <folder>',
      'write KID.private.pem (or KID.secret) and KID.jwks.json there; without it both are printed',
    )
    .option('--json', 'print JSON: what was made, or with --out which files were written')
    .action(({ alg, kid, out, json }: { alg: Algorithm; kid: string; out?: string; json?: boolean }) => {
      const { secretText, jwk } = generateKey(alg, kid)
      const jwks = `${JSON.stringify({ keys: [jwk] }, null, 2)}\n`
      if (out === undefined) {
        const asJson = () => `${JSON.stringify({ secret: secretText, jwks: { keys: [jwk] } })}\n`
        process.stdout.write(json === true ? asJson() : `${secretText.trimEnd()}\n${jwks}`)
        return
      }
      if (!/^[\w.-]+$/.test(kid)) throw new WrongCall('--kid must be a plain file name with --out')
      makeFolder(out)
      const isShared = alg in SECRET_BYTES
      const files = [
        { file: join(out, isShared ? `${kid}.secret` : `${kid}.private.pem`), text: secretText, mode: 0o600 },
        { file: join(out, `${kid}.jwks.json`), text: jwks, mode: isShared ? 0o600 : 0o644 },
      ]
      for (const { file, text, mode } of files) {
        write(file, text, mode)
        if (json !== true) process.stdout.write(`written: ${file}${mode === 0o600 ? ' (secret)' : ''}\n`)
      }
      if (json === true) process.stdout.write(`${JSON.stringify({ written: files.map(({ file }) => file) })}\n`)
    })
}
