// The calls that the buttons make.

const CALLS = {
  list: () => ({ path: '/api/things', token: session.token, sent: 'your token' }),
  create: (form) => ({
    path: '/api/things',
    token: session.token,
    sent: 'your token',
    type: 'application/json',
    body: JSON.stringify({ name: form.elements.thing.value }),
  }),
  echo: (form) => ({
    path: '/api/echo',
    token: session.token,
    sent: 'your token',
    type: 'text/plain; charset=utf-8',
    body: form.elements.text.value,
  }),
  without: () => ({ path: '/api/things', sent: 'no token' }),
  tampered: () => ({
    path: '/api/things',
    token: tamperWith(session),
    sent: 'a token that says "sub": "mallory" and "roles": ["admin"] over your old signature',
  }),
}

async function call({ path, token, sent, type, body }) {
  const method = body === undefined ? 'GET' : 'POST'
  const headers = new Headers()
  if (token) headers.set('authorization', `Bearer ${token}`)
  if (type) headers.set('content-type', type)

  const isOwn = session !== undefined && token === session.token
  const startedAt = performance.now()
  try {
    const response = await fetch(path, { method, headers, body })
    const text = await response.text()
    const tookMs = Math.round(performance.now() - startedAt)
    // A gateway that is set up to renew tokens hands the next one over like this.
    const renewed = response.headers.get('x-renewed-token')
    if (renewed && session && renewed !== session.token) renewSession(renewed)
    // What the service was told is then of a token that the page does not show any more.
    const isOlder = isOwn && session !== undefined && token !== session.token
    const mayLogInAgain = isOwn && session !== undefined && response.status === 401
    showAnswer({ response, text, request: `${method} ${path}`, sent, tookMs, isOlder, mayLogInAgain })
  } catch {
    clearAnswer()
    showSummary('bad', 'There was no answer. Is the gateway running?')
  }
}
