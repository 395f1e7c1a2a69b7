// Formats an explanation as text for people.
import type { ExplainedRequest } from './explained-request.ts'
import type { Explanation, OwnAnswer } from './explanation.ts'
import type { NearRoute } from './near-routes.ts'
import { writeExactJson } from '../../message/json/exact-json.ts'

/** The source of the explanation: the running gateway, or this command by the config. */
export interface Asked {
  readonly running: boolean
  readonly text: string
}

const LABEL_WIDTH = 14

function line(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${text}`
}

const OUTCOMES = { sent: 'yes', asked: 'later', 'not yet': 'not yet', none: 'no' } as const

const MARKS = { passed: 'ok', failed: 'FAIL', 'not reached': '-', 'not known': '?' } as const

function routeText(route: NonNullable<Explanation['route']>): string {
  const where = route.action === undefined ? `to upstream ${route.upstream}` : `with action ${route.action}`
  return `${route.path} ${where}, auth: ${route.auth}`
}

function answerText(answer: OwnAnswer | undefined): string {
  if (answer === undefined) return 'the response of the upstream'
  return `${answer.status} ${answer.code ?? 'and is logged out'}`
}

/** `/api/* on api.example.com for GET: the request differs in host: "localhost"` */
function nearText({ path, hosts, methods, text }: NearRoute): string {
  const on = hosts === undefined ? '' : ` on ${hosts.join(', ')}`
  return `${path}${on}${methods === undefined ? '' : ` for ${methods.join(', ')}`}: ${text}`
}

/** Unknown checks are supposed to pass: a request that is refused even then is refused in every case. */
function supposition({ verdict, checks }: Explanation): string {
  if (verdict === 'not known') return 'not known (see ?); at best '
  return verdict === 'refused' && checks.some(({ outcome }) => outcome === 'not known') ? 'a refusal; at best ' : ''
}

/** Prints header and claims but never the signature, so that the output cannot be used as a token. */
export function explanationText({ method, target }: ExplainedRequest, explanation: Explanation, asked: Asked): string {
  const { route, nearRoutes, foundIn, token, checks, renewal, upstreamHeader, claimHeaders, answer } = explanation
  const lines = [`${method} ${target.split('?', 1)[0] ?? ''}`]
  lines.push(line('asked', asked.text))
  lines.push(line('route', route === undefined ? 'none' : routeText(route)))
  for (const near of nearRoutes ?? []) lines.push(line('near', nearText(near)))
  if (foundIn !== undefined) lines.push(line('token', foundIn))
  if (token !== undefined) {
    lines.push(line('header', writeExactJson(token.header)))
    lines.push(line('claims', writeExactJson(token.claims)))
  }
  for (const { check, outcome, text } of checks) {
    lines.push(
      line(
        `${MARKS[outcome].padEnd(5)}${check}`.padEnd(LABEL_WIDTH + 5),
        text === '' && outcome === 'not reached' ? 'not reached' : text,
      ).trimEnd(),
    )
  }
  if (renewal !== undefined) lines.push(line('renewal', `${OUTCOMES[renewal.outcome]}: ${renewal.text}`))
  if (upstreamHeader !== undefined) {
    lines.push(line('upstream gets', `${upstreamHeader.name}: ${upstreamHeader.value}`))
    lines.push(line('', writeExactJson(upstreamHeader.decoded)))
  }
  claimHeaders.forEach(({ name, value }, index) => {
    const isFirst = index === 0 && upstreamHeader === undefined
    lines.push(line(isFirst ? 'upstream gets' : '', `${name}: ${value}`))
  })
  lines.push(line('client sees', supposition(explanation) + answerText(answer)))
  if (answer?.challenge !== undefined) lines.push(line('', `WWW-Authenticate: ${answer.challenge}`))
  return lines.join('\n')
}
