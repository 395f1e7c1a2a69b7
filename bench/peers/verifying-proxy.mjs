// What the Node peers have in common: `node X.mjs PORT UPSTREAM KEYFILE`, and the claims as the header they pass on.
import { readFileSync } from 'node:fs'

const [, , port, upstream, keyFile] = process.argv

export const settings = { port: Number(port), upstream, key: readFileSync(keyFile, 'utf8') }
export const ISSUER = 'https://issuer.example.com/'
export const AUDIENCE = 'api'

export const asHeader = (claims) => Buffer.from(JSON.stringify(claims)).toString('base64url')
