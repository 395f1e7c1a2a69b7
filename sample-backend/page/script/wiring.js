// What happens when: the last part, when all others are there.

async function noticeDirectVisit() {
  const { gatewayUrl } = await (await fetch('/page-config.json')).json()
  // One machine under its three names: a visit to localhost comes through the gateway as well.
  const toOneName = (url) => url.replace(/\/\/(localhost|\[::1\])(?=:|$)/, '//127.0.0.1')
  byId('gateway-link').href = gatewayUrl
  byId('notice').hidden = toOneName(location.origin) === toOneName(gatewayUrl)
}

async function copyToken() {
  await navigator.clipboard.writeText(session.token)
  byId('copy').textContent = 'Copied'
}

byId('login-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void logIn(event.currentTarget)
})
byId('logout').addEventListener('click', logOut)
byId('again').addEventListener('click', logInAgain)
byId('copy').addEventListener('click', () => void copyToken())

for (const button of document.querySelectorAll('[data-user]')) {
  button.addEventListener('click', () => {
    const { username, password } = byId('login-form').elements
    username.value = button.dataset.user
    password.value = button.dataset.password
  })
}

for (const control of document.querySelectorAll('[data-call]')) {
  control.addEventListener(control instanceof HTMLFormElement ? 'submit' : 'click', (event) => {
    event.preventDefault()
    void call(CALLS[control.dataset.call](control))
  })
}

byId('lost').hidden = history.state?.wasLoggedIn !== true
setInterval(showTimeLeft, 1000)
showSession()
void noticeDirectVisit()
