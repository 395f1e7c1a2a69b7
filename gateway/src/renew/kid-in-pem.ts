// The id of a key in the text before its PEM, where RFC 7468 section 2 allows explanations: so that it is not lost with the file.

/** The line that `keys generate` writes. */
export function kidLine(kid: string): string {
  return `kid: ${JSON.stringify(kid)}`
}

/** Undefined where the file names none. */
export function kidInPem(pem: string): string | undefined {
  const written = /^kid: ("(?:[^"\\\r\n]|\\.)+")\r?$/m.exec(pem.slice(0, pem.indexOf('-----BEGIN ')))?.[1]
  try {
    return written === undefined ? undefined : (JSON.parse(written) as string)
  } catch {
    return undefined
  }
}
