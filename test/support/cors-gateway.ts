// A gateway with CORS policies, and answers of which each field can be told.
import { startUpstream } from './recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from './raw-http.ts'
import { startTestGateway, type Teardown } from './test-gateway.ts'
import { hmacIssuer } from './tokens.ts'

export const [APP, ADMIN, PARTNER, EVIL] = [
  'https://app.example.com',
  'https://admin.example.com',
  'https://a.partner.example',
  'https://evil.example',
]

export const READERS = { origins: [APP] }
export const WRITERS = {
  origins: [ADMIN],
  credentials: true,
  methods: ['PUT', 'DELETE'],
  headers: ['x-csrf'],
  maxAge: '1h',
}
export const ANYBODY = { origins: ['*'], exposed: [] }
export const BELOW = { origins: ['https://*.partner.example', APP], credentials: true }

export interface Answer {
  readonly status: number
  readonly code: string | undefined
  readonly fields: Record<string, string[]>
}

export async function startCorsGateway(t: Teardown, options: Record<string, unknown>) {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    request.on('end', () =>
      response
        .writeHead(200, { 'access-control-allow-origin': 'https://of-the-upstream.example', 'x-from': 'upstream' })
        .end(),
    )
  })
  const { port } = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    ...options,
  })
  async function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const lines = Object.entries({ host: 'a.test', connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    const text = await sendRaw(port, [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'), 2000)
    const fields: Record<string, string[]> = {}
    for (const line of text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n').slice(1)) {
      const colon = line.indexOf(': ')
      ;(fields[line.slice(0, colon).toLowerCase()] ??= []).push(line.slice(colon + 2))
    }
    return { status: statusOf(text), code: codeOf(text), fields }
  }
  const preflight = (path: string, asked: string, origin: string, headers: Record<string, string> = {}) =>
    send('OPTIONS', path, { origin, 'access-control-request-method': asked, ...headers })
  return { upstream, send, preflight, port }
}

/** What the answer lets the page do: the origin, and the methods that a preflight names. */
export function grantOf({ fields }: Answer) {
  return [fields['access-control-allow-origin']?.join(), fields['access-control-allow-methods']?.join()]
}
