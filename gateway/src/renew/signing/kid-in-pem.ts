// Stores the `kid` of a key in the explanatory text before its PEM (RFC 7468 section 2).

/** Returns the line that `keys generate` writes. */
export function kidLine(kid: string): string {
  return `kid: ${JSON.stringify(kid)}`
}

/** Reads the `kid` of a PEM file; undefined when it has none. */
export function kidInPem(pem: string): string | undefined {
  const written = /^kid: ("(?:[^"\\\r\n]|\\.)+")\r?$/m.exec(pem.slice(0, pem.indexOf('-----BEGIN ')))?.[1]
  try {
    return written === undefined ? undefined : (JSON.parse(written) as string)
  } catch {
    return undefined
  }
}
