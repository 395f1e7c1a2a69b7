// HS256 in njs: signature, issuer, audience and time, checked on each request (njs keeps nothing between requests).
import crypto from 'crypto'

function parts(r) {
  const header = r.headersIn.Authorization
  return header && header.slice(0, 7) === 'Bearer ' ? header.slice(7).split('.') : []
}

function verify(r) {
  // njs knows no destructuring.
  const token = parts(r)
  const head = token[0]
  const payload = token[1]
  const signature = token[2]
  if (!signature || JSON.parse(Buffer.from(head, 'base64url')).alg !== 'HS256') return ''
  const right = crypto.createHmac('sha256', 'SECRET').update(`${head}.${payload}`).digest('base64url')
  if (right !== signature) return ''
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  return claims.iss === 'ISSUER' && claims.aud === 'api' && claims.exp > Date.now() / 1000 ? 'ok' : ''
}

function payload(r) {
  return parts(r)[1] || ''
}

export default { verify, payload }
