// The configs of docs/guides, word for word, with tokens as each issuer documents them: good ones pass, and the usual faults are answered as the page says.
import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createSigner, nowSec, type ClaimChanges } from '../support/tokens.ts'

const GUIDES = new URL('../../docs/guides', import.meta.url).pathname

interface GuideConfig {
  readonly issuers: [{ issuer: string; algorithms: [string]; keys: { discovery?: true; jwksUrl?: string } }]
  readonly upstreams: { service: { targets: string[] } }
}

interface Guide {
  /** Claims of a good token, and its path. */
  readonly good: ClaimChanges
  readonly path?: string
  readonly header?: Record<string, unknown>
  /** What differs in a token that is refused, and the code: those that the page names. */
  readonly faults: readonly (readonly [string, ClaimChanges, string, string?])[]
  /** Where the keys are by the page: what discovery would say, or what the config must name. */
  readonly keys: string
}

const TENANT = '11111111-2222-3333-4444-555555555555'
const POOL = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI'

const CASES: Readonly<Record<string, Guide>> = {
  auth0: {
    keys: 'https://my-tenant.eu.auth0.com/.well-known/jwks.json',
    good: {
      iss: 'https://my-tenant.eu.auth0.com/',
      sub: 'auth0|123',
      aud: ['https://api.example.com', 'https://my-tenant.eu.auth0.com/userinfo'],
      azp: 'client',
      scope: 'openid read:things',
    },
    faults: [
      ['an ID token', { aud: 'client' }, '401 audience_mismatch'],
      ['no slash', { iss: 'https://my-tenant.eu.auth0.com' }, '401 issuer_unknown'],
      ['no scope', { scope: 'openid' }, '403 scope_missing'],
    ],
  },
  keycloak: {
    keys: 'https://sso.example.com/realms/shop/protocol/openid-connect/certs',
    path: '/admin/x',
    good: {
      iss: 'https://sso.example.com/realms/shop',
      aud: ['shop-api', 'account'],
      typ: 'Bearer',
      azp: 'web',
      sid: 'c1',
      scope: 'openid profile',
      realm_access: { roles: ['admin', 'offline_access'] },
    },
    faults: [
      ['no mapper', { aud: 'account' }, '401 audience_mismatch'],
      ['another host', { iss: 'http://keycloak:8080/realms/shop' }, '401 issuer_unknown'],
      ['no sub', { sub: undefined }, '401 claim_missing'],
      ['no role', { realm_access: { roles: [] } }, '403 claim_forbidden'],
    ],
  },
  'entra-id': {
    keys: `https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`,
    good: {
      iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      aud: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      tid: TENANT,
      scp: 'Things.Read User.Read',
      ver: '2.0',
    },
    faults: [
      ['version 1', { iss: `https://sts.windows.net/${TENANT}/` }, '401 issuer_unknown'],
      ['an application', { scp: undefined, roles: ['Jobs.Run'] }, '403 scope_missing'],
      ['a user at jobs', {}, '403 claim_forbidden', '/jobs/1'],
      ['an application at jobs', { scp: undefined, roles: ['Jobs.Run'] }, '200', '/jobs/1'],
    ],
  },
  cognito: {
    keys: `${POOL}/.well-known/jwks.json`,
    good: { iss: POOL, aud: undefined, client_id: '1example23456789', token_use: 'access', scope: 'openid' },
    faults: [
      ['an ID token', { aud: '1example23456789', client_id: undefined, token_use: 'id' }, '401 claim_missing'],
      ['another client', { client_id: 'other' }, '403 claim_forbidden'],
      ['another use', { token_use: 'id' }, '403 claim_forbidden'],
    ],
  },
  okta: {
    keys: 'https://example.okta.com/oauth2/default/v1/keys',
    good: {
      iss: 'https://example.okta.com/oauth2/default',
      aud: 'api://default',
      scp: ['openid', 'things.read'],
      uid: 'u',
    },
    faults: [
      ['of the org', { iss: 'https://example.okta.com', aud: 'https://example.okta.com' }, '401 issuer_unknown'],
      ['an ID token', { aud: 'client' }, '401 audience_mismatch'],
    ],
  },
  google: {
    keys: 'https://www.googleapis.com/oauth2/v3/certs',
    good: {
      iss: 'https://accounts.google.com',
      aud: '1234567890-abcdef.apps.googleusercontent.com',
      email: 'a@example.com',
      email_verified: true,
      hd: 'example.com',
    },
    faults: [
      ['a private account', { hd: undefined }, '403 claim_forbidden'],
      ['another app', { aud: 'other.apps.googleusercontent.com' }, '401 audience_mismatch'],
      ['the short name', { iss: 'accounts.google.com' }, '401 issuer_unknown'],
    ],
  },
  firebase: {
    keys: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    good: {
      iss: 'https://securetoken.google.com/my-project',
      aud: 'my-project',
      auth_time: nowSec() - 60,
      user_id: 'alice',
      email_verified: true,
      firebase: { sign_in_provider: 'password' },
    },
    faults: [
      ['another project', { iss: 'https://securetoken.google.com/other', aud: 'other' }, '401 issuer_unknown'],
      ['kept too long', { iat: nowSec() - 7200, exp: nowSec() - 3600 }, '401 token_expired'],
    ],
  },
  kubernetes: {
    keys: 'https://kubernetes.default.svc/openid/v1/jwks',
    good: {
      iss: 'https://kubernetes.default.svc.cluster.local',
      aud: ['orders'],
      sub: 'system:serviceaccount:shop:checkout',
      nbf: nowSec() - 1,
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'checkout' } },
    },
    faults: [
      ['for the API server', { aud: ['https://kubernetes.default.svc.cluster.local'] }, '401 audience_mismatch'],
      ['of a Secret', { iss: 'kubernetes/serviceaccount', aud: undefined, exp: undefined }, '401 issuer_unknown'],
      ['another account', { sub: 'system:serviceaccount:shop:default' }, '403 claim_forbidden'],
    ],
  },
  'own-issuer': {
    keys: 'https://login.example.com/.well-known/jwks.json',
    header: { typ: 'at+jwt' },
    good: { iss: 'https://login.example.com', aud: 'shop-api', jti: '1', scope: 'things:read' },
    faults: [['too long', { exp: nowSec() + 86_400 }, '401 token_too_old']],
  },
}

const configOf = (page: string): GuideConfig => {
  const [, text = ''] = /^```yaml\n([^]*?)^```/m.exec(readFileSync(join(GUIDES, `${page}.md`), 'utf8')) ?? []
  return parse(text) as GuideConfig
}

t.test('each guide has its case, and the index names it', async (t) => {
  const pages = readdirSync(GUIDES).filter((name) => name !== 'README.md')
  t.same(pages.map((name) => name.replace('.md', '')).sort(), Object.keys(CASES).sort())
  for (const page of pages) t.match(readFileSync(join(GUIDES, 'README.md'), 'utf8'), `(${page})`)
})

const upstream = await startUpstream(t)

for (const [page, { good, path = '/x', header = {}, faults, keys }] of Object.entries(CASES))
  t.test(`${page}: its tokens pass, and its usual faults are answered as the page says`, async (t) => {
    const config = configOf(page)
    const [issuer] = config.issuers
    const [alg] = issuer.algorithms
    const signer = await createSigner(alg)
    const text = readFileSync(join(GUIDES, `${page}.md`), 'utf8')
    config.upstreams.service.targets = [upstream.url]
    // Its files are those of a pod.
    issuer.keys = issuer.keys.discovery === true ? { discovery: true } : { jwksUrl: issuer.keys.jwksUrl ?? '' }
    const asked: string[] = []
    const gateway = await startTestGateway(t, config as never, {
      fetchJson(url) {
        asked.push(url)
        const json = url.includes('openid-configuration')
          ? { issuer: issuer.issuer, jwks_uri: keys }
          : { keys: [{ ...signer.jwk, use: 'sig' }] }
        return Promise.resolve({ json, maxAgeSec: undefined })
      },
    })
    t.equal(asked.at(-1), keys, 'the keys are where the page says')
    const answerOf = async (changes: ClaimChanges, at: string) => {
      const token = await signer.sign({ ...good, ...changes }, header)
      const response = await fetch(gateway.url + at, { headers: { authorization: `Bearer ${token}` } })
      await response.text()
      return `${response.status} ${response.headers.get('x-tollgate') ?? ''}`.trim()
    }
    t.equal(await answerOf({}, path), '200')
    for (const [name, changes, wanted, at = path] of faults) {
      t.equal(await answerOf(changes, at), wanted, name)
      if (wanted.startsWith('401') && wanted !== '401 token_too_old')
        t.match(text, `\`${wanted.slice(4)}\``, `${page}.md names it`)
    }
  })
