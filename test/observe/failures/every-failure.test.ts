// Whatever is refused tells its operator two values: what came, and what is wanted. A row for each code, or this does not compile.
import t from 'tap'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'

import type { FailureCode } from '../../../gateway/src/failure.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { requestLines } from '../../support/told.ts'
import { hmacIssuer } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'
import { REQUEST_ROWS } from './request-rows.ts'
import type { Row } from './row.ts'
import { TOKEN_ROWS } from './token-rows.ts'
import { UPSTREAM_ROWS } from './upstream-rows.ts'

/** Of the sample backend and of others that use this table of codes: no request gets it from the gateway. */
type NotMade = 'shutting_down'

const ROWS = { ...REQUEST_ROWS, ...TOKEN_ROWS, ...UPSTREAM_ROWS } satisfies Record<Exclude<FailureCode, NotMade>, Row>

async function socketUpstream(t: Teardown, onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

for (const [code, row] of Object.entries<Row>(ROWS)) {
  t.test(`${code} shows what came and what is wanted`, async (t) => {
    const target =
      row.onConnection === undefined ? (await startUpstream(t)).url : await socketUpstream(t, row.onConnection)
    const gateway = await startTestGateway(
      t,
      {
        issuers: [hmacIssuer(row.issuer)],
        upstreams: { up: { targets: [target], ...row.upstream } },
        routes: [{ path: '/*', upstream: 'up', ...row.route }],
        ...row.options,
      },
      row.parts,
    )
    const said = await row.send(gateway)
    await waitFor(() => typeof said === 'string' || requestLines(gateway).some((line) => line['code'] === code))
    const lines = gateway.lines.filter((line) => line['code'] === code || line['message'] === 'internal error')
    const access = lines.filter(({ message }) => message === 'request')
    const told = typeof said === 'string' ? said : access.map(textOf).join('\n')
    // The access line tells it alone: whoever reads the log at level info has no other.
    t.match(code === 'internal_error' ? lines.map(textOf).join('\n') : told, row.told)
    const all = typeof said === 'string' ? said : lines.map(textOf).join('\n')
    t.notMatch(all, /alice|\+4144|thumbprint/, 'nothing personal')
    if (process.env['SHOW'] !== undefined) process.stderr.write(`${code}: ${told}\n`)
  })
}

/** What a line says of the reason. */
function textOf({ detail, cause, reason, error, bytes, method, code }: Record<string, unknown>): string {
  return [detail, cause, reason, error, bytes, { method, code }]
    .filter((part) => part !== undefined)
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part)))
    .join(' ')
}
