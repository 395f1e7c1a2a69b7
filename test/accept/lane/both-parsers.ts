// Two gateways with the same config, one with the fast lane and one without, and clients that do the same to both.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { isDeepStrictEqual } from 'node:util'

import { startUpstream, type RecordingUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown, type TestGateway } from '../../support/test-gateway.ts'
import { eventually } from '../../support/eventually.ts'
import { requestLines } from '../../support/told.ts'
import { hmacIssuer } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'

export type Step =
  /** `#` stands for the client's own name. */
  | { readonly do: 'send'; readonly text: string; readonly begins: boolean }
  /** Until all that was asked is answered, or the connection is closed. */
  | { readonly do: 'wait' }
  | { readonly do: 'turns'; readonly count: number }
  /** Ends its side, and reads on until the gateway ends. */
  | { readonly do: 'end' }
  | { readonly do: 'reset' }

interface Side {
  readonly upstream: RecordingUpstream
  readonly gateway: TestGateway
}

export interface Both {
  readonly auto: Side
  readonly node: Side
}

/** By the second part of the path. */
function startDrilled(t: Teardown): Promise<RecordingUpstream> {
  return startUpstream(t, (request, response) => {
    request.on('error', () => undefined)
    const kind = (request.url ?? '').split('/')[2] ?? ''
    const later = (run: () => void) => request.on('end', run)
    if (kind === 'plain') later(() => response.end('plain'))
    else if (kind === 'early') response.end('early')
    else if (kind === 'large') later(() => response.end(Buffer.alloc(300_000, 'x')))
    else if (kind === 'resets') later(() => request.socket.resetAndDestroy())
    else if (kind === 'nothing') later(() => response.writeHead(204, { 'x-nothing': '1' }).end())
    else if (kind === 'unchanged') later(() => response.writeHead(304, { etag: '"1"' }).end())
    else if (kind === 'missing')
      later(() => response.writeHead(404, 'Not Here', ['X-A', '1', 'x-a', '2']).end('missing'))
    else if (kind === 'dying' || kind === 'cut')
      later(() => {
        if (kind === 'cut') response.setHeader('content-length', 100)
        response.write('half', () => setTimeout(() => request.socket.destroy(), 5))
      })
    else if (kind === 'late')
      later(() => {
        response.write('la')
        setTimeout(() => response.end('te'), 5)
      })
    else if (kind === 'trailers')
      later(() => {
        response.write('body')
        response.addTrailers({ 'x-sum': '7' })
        response.end()
      })
    else if (kind === 'hints')
      later(() => {
        response.writeProcessing()
        response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' })
        setTimeout(() => response.end('hinted'), 5)
      })
    else
      later(() => {
        request.socket.write('HTTP/1.1 200 OK\r\nX-Kind: until-end\r\n\r\nuntil the end')
        request.socket.end()
      })
  })
}

async function startSide(t: Teardown, parser: 'auto' | 'node'): Promise<Side> {
  const upstream = await startDrilled(t)
  const gateway = await startTestGateway(t, {
    listen: { port: 0, parser },
    limits: { inFlight: 1000 },
    upstreams: { up: { targets: [upstream.url], retries: 0 } },
    routes: [
      { path: '/open/*', upstream: 'up', auth: 'none', cors: { origins: ['https://app.example'], methods: ['PUT'] } },
      { path: '/small/*', upstream: 'up', auth: 'none', bodyBytes: '30B' },
      { path: '/puts/*', upstream: 'up', methods: ['PUT'], auth: 'none' },
      { path: '/closed/*', upstream: 'up', auth: 'required' },
    ],
    issuers: [hmacIssuer()],
  })
  return { upstream, gateway }
}

export async function startBoth(t: Teardown): Promise<Both> {
  return { auto: await startSide(t, 'auto'), node: await startSide(t, 'node') }
}

const finalHeads = /(?:^|\n|[^\r\n])HTTP\/1\.1 [2-5]\d\d /g

/** Names of fields in any case and order. */
function sortedHead(head: string): string {
  const [line = '', ...fields] = head.split('\r\n').filter((text) => text !== '')
  return [line, ...fields.map((field) => field.replace(/^[^:]*/, (name) => name.toLowerCase())).sort(), '', ''].join(
    '\r\n',
  )
}

/** Without what is new each time. */
function steady(received: string): string {
  return (
    received
      .replace(/HTTP\/1\.1 \d\d\d [^]*?\r\n\r\n/g, sortedHead)
      .replace(/^(date: |x-request-id: ).*\r$/gim, '$1\r')
      .replace(/"requestId":"[^"]*"/g, '"requestId":""')
      .replace(/^0+([0-9a-f]+)\r$/gm, '$1\r')
      // The half-closed are asked whether they are there; and whether the end of a client comes before a head is chance.
      .replace(/\r\n0+$/, '\r\n')
      .replace(/connection: (?:close|keep-alive)\r\n(keep-alive: [^\r]*\r\n)?((?:(?!HTTP\/1\.1)[^])*)$/, '$2')
      .replace(/keep-alive: timeout[^\r]*\r\n((?:(?!HTTP\/1\.1)[^])*)$/, '$1')
      .replaceAll('2\r\nla\r\n2\r\nte\r\n', '4\r\nlate\r\n')
      .replace(/x{1000,}/g, (text) => `x*${text.length}`)
  )
}

async function play(
  { gateway }: Side,
  steps: readonly Step[],
  name: string,
): Promise<{ received: string; over: string }> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
  const pieces: Buffer[] = []
  let over = ''
  socket
    .on('data', (piece: Buffer) => pieces.push(piece))
    .on('end', () => (over = 'over'))
    .on('error', () => (over = 'over'))
    .on('close', () => (over = 'over'))
  const received = () => Buffer.concat(pieces).toString('latin1')
  await once(socket, 'connect')
  let asked = 0
  for (const step of steps) {
    if (over !== '') break
    if (step.do === 'send') {
      if (step.begins) asked += 1
      socket.write(step.text.replace('#', name), 'latin1')
    } else if (step.do === 'turns')
      for (let turn = 0; turn < step.count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    else if (step.do === 'wait')
      await waitFor(() => (received().match(finalHeads)?.length ?? 0) >= asked || over !== '', 15_000).catch(() => {
        over = 'hung'
      })
    else if (step.do === 'end') socket.end()
    else socket.resetAndDestroy()
  }
  await waitFor(() => over !== '', 15_000).catch(() => (over = 'hung'))
  socket.destroy()
  return { received: steady(received()), over }
}

/** What the upstream got of this client, and what the gateway wrote about it. */
function tracesOf({ upstream, gateway }: Side, name: string) {
  const ofIt = (path: unknown) => typeof path === 'string' && path.endsWith(`/${name}`)
  return {
    requests: upstream.requests
      .filter(({ url }) => ofIt(url))
      .map(({ method, url, rawHeaders, body }) => {
        const at = rawHeaders.findIndex((text) => text.toLowerCase() === 'x-request-id')
        const headers = rawHeaders.filter((_text, index) => index !== at && index !== at + 1)
        const said = headers.join('\n').replace(`:${upstream.port}`, '')
        return { method, url, said, body: createHash('sha256').update(body).digest('hex').slice(0, 8) }
      }),
    lines: requestLines(gateway)
      // What never came to its turn has a line where it was read, and that is chance.
      .filter(({ path, status, route }) => ofIt(path) && !(status === 499 && route === '(none)'))
      .map(({ method, path, status, route, code, bytesIn, bytesOut }) =>
        JSON.stringify({ method, path, status, route, code, bytesIn, bytesOut }),
      ),
  }
}

/** Plays the same to both gateways, and throws where they differ. */
export async function playBoth({ auto, node }: Both, steps: readonly Step[], name: string): Promise<void> {
  const [ofAuto, ofNode] = await Promise.all([play(auto, steps, name), play(node, steps, name)])
  const outcomes = () =>
    [
      { ...ofAuto, ...tracesOf(auto, name) },
      { ...ofNode, ...tracesOf(node, name) },
    ] as const
  await eventually(() => isDeepStrictEqual(...outcomes()), name, 5000).catch(() => {
    const [lane, oracle] = outcomes()
    const told = steps.map((step) => (step.do === 'send' ? step.text.slice(0, 200) : step))
    const keys = (Object.keys(lane) as (keyof typeof lane)[]).filter(
      (key) => !isDeepStrictEqual(lane[key], oracle[key]),
    )
    const differences = keys.map(
      (key) => `${key}\n LANE ${JSON.stringify(lane[key])}\n NODE ${JSON.stringify(oracle[key])}`,
    )
    const text = `they differ: ${told.map((step) => JSON.stringify(step)).join('\n  ')}\n${differences.join('\n')}`
    throw new Error(text)
  })
}
