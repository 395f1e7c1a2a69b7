// Files of deploy/ that other programs read: what those programs say of them.
import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

import { loadConfig } from '../../gateway/src/config/load.ts'
import { makeCertificate } from '../support/certificates.ts'
import { temporaryDirectory } from '../support/gateway-process.ts'
import { requireComponent } from '../support/require-component.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const DEPLOY = join(ROOT, 'deploy')
const read = (file: string) => readFileSync(join(DEPLOY, file), 'utf8')
const values = parse(read('helm/tollgate/values.yaml')) as { config: string; terminationGracePeriodSeconds: number }

const ENV = { TOLLGATE_ADMIN_TOKEN: 'x'.repeat(32), REDIS_URL: 'redis://redis:6379' }

t.test('the configs of gateways are right, and a supervisor waits longer than they take to end', async (t) => {
  const compose = parse(read('compose/compose.yaml')) as { 'x-gateway': { stop_grace_period: string } }
  const unit = read('systemd/tollgate.service')
  const pod = parse(read('kubernetes/deployment.yaml')) as {
    spec: { template: { spec: { terminationGracePeriodSeconds: number } } }
  }
  const configs: readonly [string, string, number][] = [
    ['compose', read('compose/gateway/gateway.yaml'), Number.parseInt(compose['x-gateway'].stop_grace_period)],
    ['kubernetes', read('kubernetes/gateway.yaml'), pod.spec.template.spec.terminationGracePeriodSeconds],
    ['helm', values.config, values.terminationGracePeriodSeconds],
    ['systemd', read('systemd/gateway.yaml'), Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1])],
  ]
  for (const [name, text, graceSec] of configs) {
    const loaded = loadConfig('/etc/tollgate/gateway.yaml', { env: ENV, readFile: () => Buffer.from(text) })
    t.same(loaded.ok ? [] : loaded.errors.map(({ message }) => message), [], name)
    if (!loaded.ok) continue
    t.same(
      loaded.warnings.map(({ message }) => message),
      [],
      name,
    )
    const { watch, shutdown, admin } = loaded.config
    t.ok(watch && (admin.host === '0.0.0.0') === (name !== 'systemd'), `${name} reloads, and can be probed`)
    // Three seconds are what the process adds for its store.
    t.ok(graceSec * 1000 >= shutdown.delay + shutdown.timeout + 3000, `${name}: ${graceSec} s`)
  }
})

function run(t: Test, command: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  t.equal(status, 0, `${command} ${args.join(' ')}: ${stdout}${stderr}`)
}

/** A copy whose names resolve and whose certificate is there. */
function copyOf(t: Test, file: string): string {
  const folder = temporaryDirectory(t)
  const { cert, key } = makeCertificate(folder, 'api.example.com')
  const pem = join(folder, 'both.pem')
  writeFileSync(pem, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
  const copy = join(folder, 'copy')
  const text = read(file)
    .replace(/gateway-[ab]:8080/g, '127.0.0.1:1')
    .replaceAll('/etc/ssl/api.example.com.pem', pem)
    .replaceAll('/etc/ssl/api.example.com.key', key)
    // As who is not root must be able to test it.
    .replace('listen 443 ssl', 'listen 127.0.0.1:8443 ssl')
  writeFileSync(copy, text)
  return copy
}

t.test('nginx, HAProxy and Prometheus take theirs', async (t) => {
  if (requireComponent(t, 'nginx', '/usr/sbin/nginx'))
    for (const file of ['compose/nginx.conf', 'recipes/nginx.conf'])
      run(t, '/usr/sbin/nginx', ['-t', '-q', '-e', 'stderr', '-c', copyOf(t, file)])
  if (requireComponent(t, 'HAProxy', '/usr/sbin/haproxy'))
    run(t, '/usr/sbin/haproxy', ['-c', '-f', copyOf(t, 'recipes/haproxy.cfg')])
  if (requireComponent(t, 'promtool', '/usr/bin/promtool'))
    run(t, '/usr/bin/promtool', ['check', 'config', join(DEPLOY, 'compose/prometheus.yaml')])
})

t.test(
  'all YAML and JSON of deploy/ can be parsed, and recipes name no address of a gateway but by port 8080 and 9901',
  async (t) => {
    const files = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' })
    for (const file of files) {
      if (file.endsWith('.json')) t.ok(JSON.parse(read(file)), file)
      if (file.endsWith('.yaml') && !file.includes('templates/') && !file.endsWith('service.yaml'))
        t.ok(parse(read(file)), file)
    }
    for (const name of readdirSync(join(DEPLOY, 'recipes')))
      t.match(read(join('recipes', name)), /proxy: \{ trustedProxies:/, name)
    t.ok(files.length > 30)
  },
)

t.test('alerts and dashboard ask for metrics that there are', async (t) => {
  const sources = readdirSync(join(ROOT, 'gateway/src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'gateway/src', name), 'utf8'))
    .join('\n')
  const dashboard = JSON.parse(read('compose/grafana/tollgate.json')) as {
    panels: { title: string; gridPos: { x: number; y: number; w: number }; targets: { expr: string }[] }[]
  }
  t.ok(dashboard.panels.length >= 12)
  t.equal(new Set(dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size, dashboard.panels.length)
  const asked = [
    read('compose/alerts.yaml'),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ]
  const names = new Set(asked.flatMap((text) => [...text.matchAll(/\btollgate_[a-z_]+/g)].map(([name]) => name)))
  t.ok(names.size > 15, [...names].join(' '))
  for (const name of names) t.ok(sources.includes(`'${name.replace(/_(bucket|sum|count)$/, '')}'`), name)
})
