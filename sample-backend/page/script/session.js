// Logging in and out, and the token for as long as it lives.

// In memory only: what is in no storage, no later visitor of this computer and no script of another page view can find.
let session

async function logIn(form) {
  const message = byId('login-message')
  message.textContent = ''
  try {
    const response = await fetch('/login', { method: 'POST', body: new URLSearchParams(new FormData(form)) })
    const body = await response.json()
    if (!response.ok) {
      const waitSec = response.headers.get('retry-after')
      message.textContent = waitSec ? `${body.title}: ${waitSec} s.` : `${body.title}.`
      return
    }
    form.reset()
    startSession(body.access_token)
    byId('who').focus()
  } catch {
    message.textContent = 'There was no answer to this login. Is the gateway running?'
  }
}

function startSession(token) {
  session = readToken(token)
  noteLogin(session)
  showSession()
}

function renewSession(token) {
  const next = readToken(token)
  // Answers may overtake each other: an older one must not bring back a token that is retired.
  if (next.payload.exp <= session.payload.exp) return
  session = next
  noteRenewal(session)
  showSession()
}

/** The token itself is ended as well, at the gateway: whoever copied it has nothing. */
function endToken({ token }) {
  fetch('/logout', { method: 'POST', headers: { authorization: `Bearer ${token}` }, keepalive: true }).catch(() => {})
}

function logOut() {
  endToken(session)
  session = undefined
  showSession()
  clearAnswer()
  byId('login-form').elements.username.focus()
}

/** After a token that counts no more: the same user, who only has to say the password. */
function logInAgain() {
  const { sub } = session.payload
  session = undefined
  showSession()
  clearAnswer()
  const { username, password } = byId('login-form').elements
  username.value = sub ?? ''
  password.focus()
}

/** A mark of this entry in the history, which a reload leaves; never the token. */
function rememberSession() {
  history.replaceState(session === undefined ? null : { wasLoggedIn: true }, '')
}

function showSession() {
  if (session !== undefined) byId('lost').hidden = true
  rememberSession()
  const isLoggedIn = session !== undefined
  byId('login-form').hidden = isLoggedIn
  byId('session').hidden = !isLoggedIn
  byId('token').hidden = !isLoggedIn
  byId('token-empty').hidden = isLoggedIn
  for (const button of document.querySelectorAll('[data-needs-token]')) button.disabled = !isLoggedIn
  const { header, payload, encoded } = session ?? { header: {}, payload: {}, encoded: ['', '', ''] }

  byId('who').replaceChildren('Logged in as ', element('strong', '', payload.sub ?? ''))
  const colours = ['is-header', 'is-payload', 'is-signature']
  const parts = encoded.map((part, index) => element('span', colours[index], part))
  byId('raw').replaceChildren(parts[0], '.', parts[1], '.', parts[2])
  byId('token-header').replaceChildren(...jsonView(header))
  byId('token-payload').replaceChildren(...jsonView(payload))
  byId('token-signature').replaceChildren(encoded[2])
  byId('copy').textContent = 'Copy'
  showTimeLeft()
}

function showTimeLeft() {
  if (session === undefined) return
  const { iat, exp } = session.payload
  const leftSec = Math.max(0, exp - Math.floor(Date.now() / 1000))
  byId('life').max = exp - iat
  byId('life').value = leftSec
  byId('session').classList.toggle('is-ending', leftSec <= 60)
  byId('again').hidden = leftSec > 0
  byId('life-text').textContent =
    leftSec > 0
      ? `The token expires in ${toTimeLeft(leftSec)}, at ${new Date(exp * 1000).toLocaleTimeString()}.`
      : 'The token has expired. The gateway refuses it, once its tolerance for clocks that differ is used up.'
}
