// Whatever is refused tells its operator two values: what came, and what is wanted. A row for each code, or this does not compile.
import t from 'tap'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'

import type { FailureCode } from '../../../gateway/src/failure.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { hmacIssuer } from '../../support/tokens.ts'
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
    const lines = gateway.lines.filter((line) => line['code'] === code || line['message'] === 'internal error')
    const told = typeof said === 'string' ? said : lines.map(textOf).join('\n')
    t.match(told, row.told)
    t.notMatch(told, /alice|\+4144|thumbprint/, 'nothing personal')
    if (typeof said !== 'string') t.ok(lines.length > 0, 'the log has it under its code')
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
