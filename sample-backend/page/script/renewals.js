// The tokens of this session, one after the other: the first by logging in, the others handed over with answers.

let minted = []

function noteLogin({ payload }) {
  minted = [{ payload, at: new Date() }]
  showMinted()
}

function noteRenewal({ payload }) {
  minted.push({ payload, at: new Date() })
  showMinted()
  byId('session').classList.remove('is-renewed')
  // Read, so that the browser lays out without the class first: otherwise a second renewal would not be seen.
  void byId('session').offsetWidth
  byId('session').classList.add('is-renewed')
}

const times = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`

function showMinted() {
  const renewals = minted.length - 1
  const count = element('strong', '', times(minted.length, 'token'))
  const how = renewals === 0 ? ' minted: by logging in.' : ` minted: one by logging in, ${times(renewals, 'renewal')}.`
  byId('minted').replaceChildren(count, how)
  byId('renewal-hint').hidden = renewals > 0
  byId('chain').replaceChildren(
    ...minted.slice(-6).map(({ payload, at }, index, shown) => {
      const isLast = index === shown.length - 1
      const number = element('strong', '', `${minted.length - shown.length + index + 1}`)
      const from = payload.renewed_from === undefined ? 'logged in' : 'renewed'
      const what = element('span', '', `${from} ${at.toLocaleTimeString()}`)
      const item = element(
        'li',
        isLast ? 'current' : '',
        number,
        what,
        element('small', '', isLast ? 'in use' : 'retired'),
      )
      item.title = `jti ${payload.jti}`
      return item
    }),
  )
}
