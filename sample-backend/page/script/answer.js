// How far a call got, what the service was told, and what came back.

function showAnswer({ response, text, request, sent, tookMs, isOlder, mayLogInAgain }) {
  const refusal = response.headers.get('x-tollgate')
  const value = readJson(response, text)
  const { authResult, ...body } = value ?? {}
  const told = authResult ?? JSON.parse(response.headers.get('x-caller') ?? 'null')

  showStop('browser', 'passed', request)
  if (refusal) {
    showStop('gateway', 'stopped', refusal)
    showStop('service', 'unreached', 'was not reached')
  } else {
    const isDirect = !byId('notice').hidden
    showStop('gateway', ...(isDirect ? ['unreached', 'not on this way'] : ['passed', 'let it pass']))
    showStop('service', response.ok ? 'passed' : 'stopped', `answered ${response.status}`)
  }

  const title = value?.title ?? response.statusText
  const renewed = isOlder ? ` It was token ${minted.length - 1}; token ${minted.length} is in use now.` : ''
  const details = element('span', 'hint', `Sent with ${sent}; answered in ${tookMs} ms.${renewed}`)
  const status = element('strong', '', `${response.status} ${title}`)
  const ways = mayLogInAgain ? [element('br'), againButton()] : []
  showSummary(response.ok ? 'good' : 'bad', status, element('br'), details, ...ways)

  const code = value ? jsonView(body) : [text]
  byId('panels').replaceChildren(
    ...(told
      ? panel(isOlder ? 'What the service was told, of the token before' : 'What the service was told', jsonView(told))
      : []),
    ...panel(refusal ? 'What the gateway answered' : 'What the service answered', code),
  )
  byId('road').scrollIntoView({ block: 'nearest' })
}

function againButton() {
  const button = element('button', 'primary', 'Log in again')
  button.addEventListener('click', logInAgain)
  return button
}

function readJson(response, text) {
  if (!/json/.test(response.headers.get('content-type') ?? '')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function panel(title, content) {
  const code = element('pre', 'code', ...content)
  code.tabIndex = 0
  code.ariaLabel = title
  return [element('h3', '', title), code]
}

function showSummary(mood, ...content) {
  byId('summary').className = `summary ${mood}`
  byId('summary').replaceChildren(...content)
}

function showStop(place, state, text) {
  // May be broken after / and _, which a narrow screen needs.
  const pieces = text.split(/(?<=[/_])/).flatMap((piece) => [piece, element('wbr')])
  byId(`road-${place}`).replaceChildren(...pieces)
  byId(`road-${place}`).parentElement.className = state
}

function clearAnswer() {
  showStop('browser', '', 'asks')
  showStop('gateway', '', 'checks')
  showStop('service', '', 'answers')
  showSummary('', 'What comes back is shown here.')
  byId('panels').replaceChildren()
}
