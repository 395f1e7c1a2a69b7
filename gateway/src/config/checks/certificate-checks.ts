// Certificates and keys of TLS: read once before anything starts, as a start would, so that it does not end in one.
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

import { entries, options, text, valueAt } from './loose.ts'
import type { Finding, Path } from '../problem.ts'
import type { ReadFile } from '../text/read-file.ts'

const MAX_BYTES = 1024 * 1024

/** Undefined where there is no such option, or no such file: that is told already. */
function contentOf(config: unknown, path: Path, readFile: ReadFile): Buffer | undefined {
  const file = text(valueAt(config, path))
  try {
    return file === undefined ? undefined : readFile(file, MAX_BYTES)
  } catch {
    return undefined
  }
}

function fails(attempt: () => unknown): boolean {
  try {
    attempt()
    return false
  } catch {
    return true
  }
}

function checkAuthorities(path: Path, ca: Buffer | undefined): readonly Finding[] {
  // Node passes over what is none, and would then trust nobody.
  if (ca === undefined || !fails(() => new X509Certificate(ca))) return []
  return [{ path, message: 'holds no certificate in PEM' }]
}

function checkPair(path: Path, cert: Buffer | undefined, key: Buffer | undefined): readonly Finding[] {
  if (cert === undefined || key === undefined) return []
  if (fails(() => createSecureContext({ cert })))
    return [{ path: [...path, 'cert'], message: 'holds no certificate in PEM' }]
  if (fails(() => createSecureContext({ key })))
    return [{ path: [...path, 'key'], message: 'holds no private key in PEM', hint: 'one without a passphrase' }]
  if (!fails(() => createSecureContext({ cert, key }))) return []
  return [{ path: [...path, 'key'], message: 'is not the key of this certificate' }]
}

export function checkCertificates(config: unknown, readFile: ReadFile): readonly Finding[] {
  const { issuers, upstreams } = options(config)
  const content = (path: Path) => contentOf(config, path, readFile)
  const pairs: readonly Path[] = [
    ['listen', 'tls'],
    ...Object.keys(options(upstreams)).map((name) => ['upstreams', name, 'tls']),
  ]
  const authorities: readonly Path[] = [
    ...Object.keys(options(upstreams)).map((name) => ['upstreams', name, 'tls', 'ca']),
    ...entries(issuers).map((_, index) => ['issuers', index, 'keys', 'ca']),
    ['revocation', 'store', 'ca'],
  ]
  return [
    ...pairs.flatMap((path) => checkPair(path, content([...path, 'cert']), content([...path, 'key']))),
    ...authorities.flatMap((path) => checkAuthorities(path, content(path))),
  ]
}
