// Loads the keys of an issuer: from a secret, a file, or a URL.
import { parseDocument, withoutMark } from './key-document.ts'
import { keyRequest, type KeyRequest } from './key-request.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import {
  keySetFromDocument,
  keySetFromPem,
  keySetFromSecret,
  type KeyPolicy,
  type KeySet,
  type VerificationKey,
} from './key-set.ts'
import { readNamedFile } from '../../options/files/named-file.ts'
import type { IssuerOptions } from '../../options/tokens.ts'
import { kindOfValue, mismatch } from '../../message/shown-value.ts'
import { createRemoteKeys, type FetchedDocument, type RemoteKeys, type RemoteKeysEvents } from './remote-keys.ts'
import type { Clock, Schedule } from '../../clock.ts'
import { CannotStart } from '../../failure.ts'
import { isConfidential } from '../../message/confidential-url.ts'
import type { ReadOnly } from '../../options/read-only.ts'

export type IssuerConfig = ReadOnly<IssuerOptions>

/** How the keys of an issuer are. Times are milliseconds of the monotonic clock. */
export interface KeySourceStatus {
  /** When they were fetched or read; undefined before. */
  readonly loadedAtMs: number | undefined
  /** Undefined while a fetch is under way, and for keys that are not fetched. */
  readonly nextFetchAtMs: number | undefined
  /** Why the last fetch or reading failed. */
  readonly problem: string | undefined
}

/** The key ring of an issuer. `remote` is undefined for a secret or a file. */
export interface KeySource {
  readonly ring: KeyRing
  readonly remote: RemoteKeys | undefined
  status(): KeySourceStatus
  /** Stops fetches and file watches. */
  stop(): void
}

export interface KeySourceParts {
  /** Fetches a JSON document, without redirects, limited in time and size. Rejects with a message for the log. */
  readonly fetchJson: (url: string, request: KeyRequest) => Promise<FetchedDocument>
  readonly clock: Clock
  readonly schedule: Schedule
  readonly random: () => number
  readonly events: RemoteKeysEvents
  /** Watches files, and reports a `fault` when one cannot be read. Returns a function that stops. Left out: files are read once. */
  readonly watchFiles?: ((files: readonly string[], onChange: (fault?: string) => void) => () => void) | undefined
  /** The gateway's own keys, which no fetch replaces. */
  readonly ownKeys?: readonly VerificationKey[]
}

/** Requires https: over plain HTTP an attacker could replace the keys. */
function checkUrl(text: string, allowHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new Error('the address of the JWK set is not a URL')
  if (isConfidential(url, allowHttp)) return text
  throw new Error('the address of the JWK set is not https (allowHttp permits http)')
}

/** Reads `jwks_uri` (OpenID Connect Discovery 1.0 section 4). The issuer of the document must equal the configured one. */
async function discoverJwksUrl(
  issuer: string,
  allowHttp: boolean,
  fetchJson: (url: string) => Promise<FetchedDocument>,
): Promise<string> {
  const url = checkUrl(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, allowHttp)
  const { json } = await fetchJson(url)
  const { issuer: stated, jwks_uri: jwksUri } = (typeof json === 'object' && json !== null ? json : {}) as Record<
    string,
    unknown
  >
  if (stated !== issuer)
    throw new Error(
      `${url}: ${typeof stated === 'string' ? `the discovery document names another issuer: ${mismatch('it', [stated], [issuer], 'this issuer')}` : `this is no discovery document: its issuer is ${kindOfValue(stated)}`}`,
    )
  if (typeof jwksUri !== 'string') throw new Error(`${url}: the discovery document has no jwks_uri`)
  return checkUrl(jwksUri, allowHttp)
}

type KeyOption = 'jwksFile' | 'pemFile'

function readKeyFile(file: string, option: KeyOption): string {
  return withoutMark(readNamedFile('key file', file, ['keys', option]))
}

function parseKeyFile(file: string): unknown {
  const text = readKeyFile(file, 'jwksFile')
  try {
    return parseDocument(text)
  } catch {
    throw new CannotStart(`key file ${file} is not JSON`, ['keys', 'jwksFile'])
  }
}

function localKeys(issuer: IssuerConfig, policy: KeyPolicy): KeySet {
  const { jwksFile, pemFile, secret } = issuer.keys
  if (secret !== undefined) return keySetFromSecret(secret, policy)
  if (pemFile !== undefined) return keySetFromPem(readKeyFile(pemFile, 'pemFile'), policy)
  if (jwksFile !== undefined) return keySetFromDocument(parseKeyFile(jwksFile), { ...policy, allowSecrets: true })
  throw new CannotStart('no keys are configured', ['keys'])
}

/** Returns the path of the option that names the local keys. */
function optionOf({ keys: { secret, pemFile } }: IssuerConfig): readonly string[] {
  if (secret !== undefined) return ['keys', 'secret', 'value']
  return ['keys', pemFile === undefined ? 'jwksFile' : 'pemFile']
}

/** Reloads a key file when it changes. Reports an unusable file and keeps the old keys. Returns a function that stops. */
function watchLocal(
  { keys }: IssuerConfig,
  { watchFiles }: KeySourceParts,
  load: () => void,
  onFailed: (reason: string) => void,
): () => void {
  const file = keys.jwksFile ?? keys.pemFile
  if (file === undefined || watchFiles === undefined) return () => undefined
  return watchFiles([file], (fault) => {
    try {
      if (fault !== undefined) throw new Error(`key file ${fault}`)
      load()
    } catch (error) {
      onFailed(error instanceof Error ? error.message : 'the file cannot be used')
    }
  })
}

/** Creates the source. Throws CannotStart when local keys are missing or unusable; remote keys are fetched later. */
export function createKeySource(issuer: IssuerConfig, parts: KeySourceParts): KeySource {
  const { keys, algorithms, weakKeys } = issuer
  const policy: KeyPolicy = { algorithms, weakKeys, allowSecrets: false }
  const { jwksUrl } = keys
  if (jwksUrl === undefined && keys.discovery !== true) {
    const ring = createKeyRing([], parts.ownKeys)
    let status: KeySourceStatus
    const load = () => {
      const { keys: loaded, remarks } = localKeys(issuer, policy)
      if (loaded.length === 0) throw new CannotStart(remarks.join('; ') || 'it holds no key', optionOf(issuer))
      status = { loadedAtMs: parts.clock.monotonic(), nextFetchAtMs: undefined, problem: undefined }
      parts.events.onFetched(ring.replace(loaded), remarks)
    }
    const onFailed = (problem: string) => {
      status = { ...status, problem }
      parts.events.onFetchFailed(problem, Infinity)
    }
    load()
    return { ring, remote: undefined, status: () => status, stop: watchLocal(issuer, parts, load, onFailed) }
  }

  const ring = createKeyRing([], parts.ownKeys)
  const fetchJwks = async (): Promise<FetchedDocument> => {
    const request = await keyRequest(keys)
    const fetchJson = (url: string) => parts.fetchJson(url, request)
    const url =
      jwksUrl === undefined
        ? await discoverJwksUrl(issuer.issuer ?? '', keys.allowHttp, fetchJson)
        : checkUrl(jwksUrl, keys.allowHttp)
    return { ...(await fetchJson(url)), url }
  }
  const remote = createRemoteKeys({ ...parts, ring, policy, options: keys, fetchJwks })
  return {
    ring,
    remote,
    status: () => ({
      loadedAtMs: remote.lastGoodAtMs(),
      nextFetchAtMs: remote.nextFetchAtMs(),
      problem: remote.problem(),
    }),
    stop() {
      remote.stop()
    },
  }
}
