// Claims as headers are remembered with a token: a reload that changes one makes them anew, any other carries them.
import t from 'tap'

import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'
import { startChangeable, statusOf } from '../../support/changeable-gateway.ts'

t.test('no known token brings a header as it was made before a reload', async (t) => {
  const upstream = await startUpstream(t)
  const options = (claimHeaders: object, own: object = {}, first = '/a/*') => ({
    issuers: [hmacIssuer()],
    claimHeaders,
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: first, upstream: 'up' },
      { path: '/b/*', upstream: 'up', claimHeaders: own },
    ],
  })
  const { gateway, url, change } = await startChangeable(t, options({ 'x-user': '/sub' }))
  const token = await signHmac({ email: 'a@b.example' })
  const told = async (path: string) => {
    t.equal(await statusOf(`${url}${path}`, token), 200)
    const last = upstream.requests.at(-1)
    return ['x-user', 'x-mail'].map((name) => headerValues(last, name).join())
  }
  const misses = () => gateway.authenticator.counts.misses
  t.same(await told('/a/x'), ['alice', ''])
  await change(options({ 'x-user': '/sub' }, {}, '/c/*'))
  t.same(await told('/c/x'), ['alice', ''])
  t.equal(misses(), 1, 'other routes with the same headers: the token is known')

  await change(options({ 'x-user': '/email' }))
  t.same(await told('/a/x'), ['a@b.example', ''], 'another claim in the same header')
  await change(options({ 'x-user': '/email' }, { 'x-mail': '/email' }))
  t.same(await told('/a/x'), ['a@b.example', ''])
  t.same(await told('/b/x'), ['a@b.example', 'a@b.example'], 'one more, on one route')
  await change(options({ 'x-mail': '/sub' }, { 'x-user': '/email', 'x-mail': false }))
  t.same(await told('/a/x'), ['', 'alice'])
  t.same(await told('/b/x'), ['a@b.example', ''])
  const before = misses()
  await change(options({ 'x-mail': '/sub' }, { 'x-mail': false, 'x-user': '/email' }))
  t.same(await told('/b/x'), ['a@b.example', ''])
  t.equal(misses(), before, 'the same headers in another order')
  await change(options({}))
  t.same(await told('/b/x'), ['', ''])
})
