// A token and its three parts.

function fromBase64url(text) {
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
}

function toBase64url(text) {
  const binary = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

function readToken(token) {
  const [header, payload] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(fromBase64url(part)))
  return { token, header, payload, encoded: token.split('.') }
}

// Somebody else's name over the old signature: what the gateway is there to notice.
function tamperWith({ payload, encoded: [header, , signature] }) {
  const claims = { ...payload, sub: 'mallory', roles: ['admin'] }
  return [header, toBase64url(JSON.stringify(claims)), signature].join('.')
}
