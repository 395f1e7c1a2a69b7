// Checks the certificates and keys of TLS before anything starts, by reading them as a start would.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

import { contentOf, fails, wayOut, whatItIs, type NamedFiles } from './file-content.ts'
import { entries, options } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'

/** The PEM labels of certificates that OpenSSL accepts. */
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10)
}

/** Dates are a warning only: a machine that starts may have a wrong clock, and a renewed certificate may be about to arrive. */
function checkDates({ subject, validFrom, validTo }: X509Certificate, nowMs: number): string | undefined {
  const name = subject.replaceAll('\n', ', ').slice(0, 100)
  if (Date.parse(validTo) < nowMs) return `the certificate ${name} has expired on ${day(validTo)}`
  if (Date.parse(validFrom) > nowMs) return `the certificate ${name} is not valid before ${day(validFrom)}`
  return undefined
}

/** Checks each certificate of a file separately, because Node stops silently at the first that it cannot read. */
export function checkCertificateFile(path: Path, bytes: Buffer, { written, nowMs }: NamedFiles): readonly Finding[] {
  const name = written.show(path)
  const blocks = bytes.toString('latin1').match(CERTIFICATE) ?? []
  if (blocks.length === 0)
    return [{ path, message: `${name} holds no certificate in PEM: ${whatItIs(bytes)}`, hint: wayOut(bytes) }]
  return blocks.flatMap((block, index): readonly Finding[] => {
    if (fails(() => new X509Certificate(block)))
      return [{ path, message: `certificate ${index + 1} of ${blocks.length} in ${name} is damaged` }]
    const outOfDate = checkDates(new X509Certificate(block), nowMs)
    return outOfDate === undefined ? [] : [{ severity: 'warning', path, message: `${name}: ${outOfDate}` }]
  })
}

/** Returns OpenSSL's own reason, such as `ee key too small`, because its rules depend on its version and settings. */
function refusal(attempt: () => unknown): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    return (error as { readonly reason?: string }).reason ?? 'unknown reason'
  }
}

function checkKeyFile(path: Path, bytes: Buffer, { written }: NamedFiles): readonly Finding[] {
  if (!fails(() => createPrivateKey(bytes))) return []
  return [
    { path, message: `${written.show(path)} holds no private key in PEM: ${whatItIs(bytes)}`, hint: wayOut(bytes) },
  ]
}

function checkPair(path: Path, files: NamedFiles): readonly Finding[] {
  const [certPath, keyPath] = [
    [...path, 'cert'],
    [...path, 'key'],
  ]
  const [cert, key] = [contentOf(files, certPath), contentOf(files, keyPath)]
  const findings = [
    ...(cert === undefined ? [] : checkCertificateFile(certPath, cert, files)),
    ...(key === undefined ? [] : checkKeyFile(keyPath, key, files)),
  ]
  if (cert === undefined || key === undefined || findings.some(({ severity }) => severity !== 'warning'))
    return findings
  const [certName, keyName] = [files.written.show(certPath), files.written.show(keyPath)]
  const unusable = refusal(() => createSecureContext({ cert }))
  if (unusable !== undefined)
    return [...findings, { path: certPath, message: `${certName} cannot be used for TLS: ${unusable}` }]
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    const together = refusal(() => createSecureContext({ cert, key }))
    if (together === undefined) return findings
    return [...findings, { path: keyPath, message: `${keyName} cannot be used for TLS: ${together}` }]
  }
  const hint = 'the first certificate of the file must be that of the server, not of its authority'
  return [...findings, { path: keyPath, message: `${keyName} is not the key of the certificate in ${certName}`, hint }]
}

export function checkCertificates(files: NamedFiles): readonly Finding[] {
  const { issuers, upstreams, listen } = options(files.config)
  const ofListeners: readonly Path[] = Array.isArray(listen)
    ? listen.map((_, index) => ['listen', index, 'tls'])
    : [['listen', 'tls']]
  const ofUpstreams = Object.keys(options(upstreams)).map((name): Path => ['upstreams', name, 'tls'])
  const authorities: readonly Path[] = [
    ...ofUpstreams.map((path) => [...path, 'ca']),
    ...entries(issuers).map((_, index) => ['issuers', index, 'keys', 'ca']),
    ['revocation', 'store', 'ca'],
  ]
  return [
    ...[...ofListeners, ...ofUpstreams].flatMap((path) => checkPair(path, files)),
    ...authorities.flatMap((path) => {
      const bytes = contentOf(files, path)
      return bytes === undefined ? [] : checkCertificateFile(path, bytes, files)
    }),
  ]
}
