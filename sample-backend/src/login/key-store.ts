// The key that signs tokens: made at the first start, kept in a private folder, and the same one after every restart.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { StartupError } from '../startup-error.ts'
import { toPublicJwk, type PublicJwk } from './public-jwk.ts'

export interface SigningKey {
  /** PKCS#8 PEM of a P-256 key. */
  readonly privatePem: string
  /** SPKI PEM of its public half. */
  readonly publicPem: string
  /** What the world needs to verify with it. */
  readonly publicJwk: PublicJwk
}

/** Throws a StartupError for a file that is not such a key. */
export async function loadSigningKey(directory: string): Promise<SigningKey> {
  const path = join(directory, 'es256-private.pem')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)

  const privatePem = (await readIfThere(path)) ?? (await createKeyFile(path))
  await chmod(path, 0o600)
  const publicKey = createPublicKey(parsePrivateKey(path, privatePem))
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  return { privatePem, publicPem, publicJwk: toPublicJwk(publicKey) }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all: a crash half-way, or a second process that starts at the same time, must not leave two keys or half of one. */
async function createKeyFile(path: string): Promise<string> {
  const pem = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey

  const draft = `${path}.${randomUUID()}`
  try {
    await writeFile(draft, pem, { flag: 'wx', mode: 0o600, flush: true })
    // Not rename, which would replace the key that another process has just begun to sign with.
    await link(draft, path)
    return pem
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return await readFile(path, 'utf8')
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

function parsePrivateKey(path: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  } catch {
    // Node's own message names neither the file nor what to do.
  }
  throw new StartupError(
    `${path} is not a P-256 private key in PEM; delete it to get a new one (old tokens become invalid)`,
  )
}
