// The table of metrics that count events as they happen: keys fetched, targets ejected, tokens renewed.
import type { EventCounter } from './metric.ts'

export const EVENT_COUNTERS = [
  {
    name: 'tollgate_key_fetches_total',
    kind: 'counter',
    help: 'Fetches of key sets.',
    labels: ['issuer', 'result'],
    read: 'events',
  },
  {
    name: 'tollgate_targets_out_total',
    kind: 'counter',
    help: 'Times that a target was taken out: ejected for failing, or unhealthy by its checks.',
    labels: ['upstream', 'why'],
    read: 'events',
  },
  {
    name: 'tollgate_renewals_total',
    kind: 'counter',
    help: 'Successors made, or got from the issuer: one for a token and process.',
    labels: ['issuer'],
    read: 'events',
  },
  {
    name: 'tollgate_renewal_failures_total',
    kind: 'counter',
    help: 'Tokens that were due and got no successor.',
    labels: ['issuer'],
    read: 'events',
  },
  {
    name: 'tollgate_renewals_delivered_total',
    kind: 'counter',
    help: 'Responses that carried a successor.',
    labels: ['issuer'],
    read: 'events',
  },
  {
    name: 'tollgate_tokens_retired_total',
    kind: 'counter',
    help: 'Old tokens blocked after the first use of their successor.',
    labels: ['issuer'],
    read: 'events',
  },
  {
    name: 'tollgate_token_reuse_total',
    kind: 'counter',
    help: 'Requests with a token whose successor is in use: a sign of theft.',
    labels: ['issuer'],
    read: 'events',
  },
  {
    name: 'tollgate_proxy_protocol_refused_total',
    kind: 'counter',
    help: 'Connections closed for their PROXY header: untrusted (the peer may send none), malformed, timeout.',
    labels: ['reason'],
    read: 'events',
  },
  {
    name: 'tollgate_claim_headers_left_out_total',
    kind: 'counter',
    help: 'Claims that were not sent in their header, once for each token: not_text, structure (a list or an object), separator (a member of a list holds it), too_long.',
    labels: ['header', 'reason'],
    read: 'events',
  },
] as const satisfies readonly EventCounter[]

type Counted = (typeof EVENT_COUNTERS)[number]

/** Counts one event. An unknown name, or a label that its row does not have, is a compile error. */
export type CountEvent = <Name extends Counted['name']>(
  name: Name,
  labels: Readonly<Record<Extract<Counted, { readonly name: Name }>['labels'][number], string>>,
) => void
