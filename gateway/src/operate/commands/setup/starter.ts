// The texts of a first config, by what signs the tokens.
import { generateKey } from './keys.ts'
import { randomBytes } from 'node:crypto'

export const STARTER_KINDS = ['oidc', 'shared-secret', 'own-keys'] as const
export type StarterKind = (typeof STARTER_KINDS)[number]

export interface StarterAnswers {
  readonly kind: StarterKind
  readonly issuer: string
  readonly audience: string
  readonly upstream: string
  readonly port: number
}

export interface StarterFile {
  /** Relative to the folder of the config. */
  readonly name: string
  readonly text: string
  readonly isSecret: boolean
}

export const STARTER_DEFAULTS: Readonly<Record<StarterKind, { readonly issuer?: string }>> = {
  oidc: {},
  'shared-secret': { issuer: 'my-login' },
  'own-keys': { issuer: 'https://login.example.com' },
}

const ADMIN_TOKEN = 'admin.token'
const SECRET = 'jwt.secret'
const KEY = 'first'

const ISSUER_LINES: Readonly<Record<StarterKind, readonly string[]>> = {
  oidc: [
    'algorithms: [RS256, ES256] # only those that the issuer signs with',
    'keys: { discovery: true } # found by issuer + /.well-known/openid-configuration; or { jwksUrl: ... }',
  ],
  'shared-secret': [
    'algorithms: [HS256]',
    `keys: { secret: { value: '\${file:./${SECRET}}' } } # who has the secret can sign tokens too`,
  ],
  'own-keys': [
    'algorithms: [ES256]',
    `keys: { jwksFile: keys/${KEY}.jwks.json } # tokens are signed with keys/${KEY}.private.pem, which the gateway never reads`,
  ],
}

/** A text as YAML, in which `${` stands for itself. */
function quoted(text: string): string {
  if (/^[A-Za-z][\w./:@-]*$/.test(text) && !text.endsWith(':')) return text
  return JSON.stringify(text).replaceAll('${', () => '$${')
}

export function starterConfig({ kind, issuer, audience, upstream, port }: StarterAnswers): string {
  return `# A gateway that lets in who has a good token, and tells the service who calls in the header x-auth-result.
# tollgate check --strict -c FILE says what is wrong with it; tollgate schema prints the JSON schema for editors.

listen: { host: 127.0.0.1, port: ${port} } # 0.0.0.0: reachable from other machines
admin: { host: 127.0.0.1, port: 9901, token: '\${file:./${ADMIN_TOKEN}}' } # health, metrics, changes: keep it private

# Whose tokens are believed.
issuers:
  - name: main
    issuer: ${quoted(issuer)} # must equal the claim iss
    audiences: [${quoted(audience)}] # the claim aud must name one of these
${ISSUER_LINES[kind].map((line) => `    ${line}`).join('\n')}
    requiredClaims: [sub, exp]

# Tokens that are revoked before they end; memory forgets them at a restart, { level: FOLDER } and { redis: URL } do not.
revocation: { store: memory }

upstreams:
  service: { targets: [${quoted(upstream)}] }

# Exactly one route answers a request: the most specific.
routes:
  # - { path: /health, upstream: service, auth: none, methods: [GET] } # for everybody
  # - { path: /logout, action: revoke, methods: [POST] }               # the gateway answers: the token is blocked
  - path: /*
    upstream: service
    # require: { scopes: { all: [things:read] } }
`
}

/** The files that the config names: what signs, and the token of the admin listener. Made anew each time. */
export function starterFiles({ kind }: Pick<StarterAnswers, 'kind'>): readonly StarterFile[] {
  const random = () => randomBytes(32).toString('base64url')
  const admin = { name: ADMIN_TOKEN, text: random(), isSecret: true }
  if (kind === 'oidc') return [admin]
  if (kind === 'shared-secret') return [admin, { name: SECRET, text: random(), isSecret: true }]
  const { secretText, jwk } = generateKey('ES256', KEY)
  return [
    admin,
    { name: `keys/${KEY}.private.pem`, text: secretText, isSecret: true },
    { name: `keys/${KEY}.jwks.json`, text: `${JSON.stringify({ keys: [jwk] }, null, 2)}\n`, isSecret: false },
  ]
}

/** What to do with it, as commands. */
export function nextSteps(file: string, folder: string, answers: StarterAnswers): readonly string[] {
  const { kind, issuer, audience, port } = answers
  const claims = JSON.stringify({ iss: issuer, aud: audience, sub: 'me' })
  const signedWith: Readonly<Record<StarterKind, string | undefined>> = {
    oidc: undefined,
    'shared-secret': `--secret "$(cat ${folder}/${SECRET})"`,
    'own-keys': `--key ${folder}/keys/${KEY}.private.pem`,
  }
  const by = signedWith[kind]
  return [
    `tollgate check --strict -c ${file}`,
    `tollgate run -c ${file}`,
    ...(by === undefined ? [] : [`TOKEN=$(tollgate token sign ${by} --claims '${claims}')`]),
    `curl -i http://127.0.0.1:${port}/ -H "Authorization: Bearer $TOKEN"`,
  ]
}
