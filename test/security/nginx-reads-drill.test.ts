// Attack: spellings of a protected path, sent to a gateway whose open routes take everything else, in front of a real nginx that
// decides for itself what it was asked for. Defence: what nginx would serve as protected is never passed on without a token.
import t, { type Test } from 'tap'
import fc from 'fast-check'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { eventually } from '../support/eventually.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer } from '../support/tokens.ts'

/** Serves `closed` for what the gateway protects, as nginx sees it, and else `open` with the target as it came. */
async function startNginx(t: Test): Promise<string> {
  const directory = t.testdir({})
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const file = join(directory, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${directory}/pid; error_log /dev/null; events {}
     http {
       access_log off; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p; keepalive_requests 1000000;
       fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
       server { listen 127.0.0.1:${port}; default_type text/plain;
         location = /admin { return 200 "closed $uri"; }
         location ^~ /admin/ { return 200 "closed $uri"; }
         location ~ ^/api/users/[^/]+$ { return 200 "closed $uri"; }
         location ~* ^/shout(/|$) { return 200 "closed $uri"; }
         location ~ ^/@me$ { return 200 "closed $uri"; }
         location / { return 200 "open $request_uri"; } } }`,
  )
  const nginx = spawn('/usr/sbin/nginx', ['-p', directory, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => nginx.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  const serves = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  await eventually(serves, 'nginx serves')
  return url
}

const piece = fc.constantFrom(
  ...[
    '/',
    '/',
    '/',
    '/',
    '//',
    '%2f',
    '%2F',
    '.',
    '..',
    '%2e',
    ';',
    ';v=1',
    '%3b',
    '%3B',
    '%3f',
    '%23',
    '?',
    '%25',
    '25',
  ],
  ...[
    'admin',
    'ADMIN',
    'adm%69n',
    '%61dmin',
    'admi',
    'n',
    'api',
    'users',
    'user%73',
    '7',
    'shout',
    'ShOuT',
    '@me',
    '%40me',
  ],
  ...['public', 'files', '[x]', '|', '%5B', '%20', '%C3%A9', 'x'],
)
const target = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => `/${pieces.join('')}`)

t.test('nothing that nginx serves as protected passes without a token, and what passes is byte for byte', async (t) => {
  if (!requireComponent(t, 'nginx', '/usr/sbin/nginx')) return
  const open = { upstream: 'up', auth: 'none', encodedSlashes: 'allow', emptySegments: 'allow' }
  const closed = { upstream: 'up' }
  const { port } = await startTestGateway(t, {
    log: { access: 'off', level: 'error' },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [await startNginx(t)] } },
    routes: [
      { path: '/*', ...open },
      { path: '/public/*', ...open },
      { path: '/files/:name', ...open },
      { path: '/admin/*', ...closed },
      { path: '/api/users/:id', ...closed },
      { path: '/shout/*', ...closed },
      { path: '/@me', ...closed },
    ],
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  t.teardown(() => {
    agent.destroy()
  })
  const ask = (path: string) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      request({ port, host: '127.0.0.1', path, agent }, (response) => {
        let body = ''
        response.on('data', (chunk) => (body += String(chunk)))
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body })
        })
      })
        .on('error', reject)
        .end()
    })
  const counts = { open: 0, token_missing: 0, path_unsafe: 0, upstream: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(target, { minLength: 8, maxLength: 8 }), async (targets) => {
      const answers = await Promise.all(targets.map(ask))
      for (const [index, { status, body }] of answers.entries()) {
        const sent = targets[index] as string
        if (body.startsWith('closed')) throw new Error(`${sent} is ${body}`)
        if (status === 200) {
          if (body !== `open ${sent}`) throw new Error(`${sent} arrived as ${body}`)
          counts.open += 1
        } else if (status === 401) counts.token_missing += 1
        else if (status === 400 && body.includes('path_unsafe')) counts.path_unsafe += 1
        else if (status === 400) counts.upstream += 1
        else throw new Error(`${sent}: ${status} ${body}`)
      }
    }),
    { numRuns: drillSize(250, 12_000) },
  )
  tellFigure(`spellings before a real nginx: ${JSON.stringify(counts)}, none served as protected`)
  t.ok(counts.open > 50 && counts.token_missing > 10 && counts.path_unsafe > 50, JSON.stringify(counts))
})
