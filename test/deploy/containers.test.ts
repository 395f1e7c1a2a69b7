// The Dockerfile and the compose file, read without Docker: what they copy, run, mount and depend on is there.
import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

import { runCli } from '../support/run-cli.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const healthHelp = (await runCli('health', '--help')).out

interface Instruction {
  readonly name: string
  readonly text: string
}

/** Comments left out, continued lines joined (https://docs.docker.com/reference/dockerfile/#format). */
const instructions: readonly Instruction[] = readFileSync(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ name: line.split(' ')[0] ?? '', text: line.slice(line.indexOf(' ') + 1).trim() }))

const KNOWN = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/

interface Stage {
  readonly name: string
  readonly base: string
  readonly steps: readonly Instruction[]
}

const stages: Stage[] = []
for (const instruction of instructions) {
  const [, base = '', name = ''] = /^(\S+) AS (\S+)$/.exec(instruction.text) ?? []
  if (instruction.name === 'FROM') stages.push({ name, base, steps: [] })
  else (stages.at(-1)?.steps as Instruction[]).push(instruction)
}
const last = (name: string) => stages.at(-1)?.steps.findLast((step) => step.name === name)?.text ?? ''

t.test('each instruction is known, each stage stands on one before it or on Node 24', async (t) => {
  for (const { name, text } of instructions) t.match(name, KNOWN, text)
  for (const [index, { base, name }] of stages.entries())
    t.ok(base === 'node:24-slim' || stages.slice(0, index).some((stage) => stage.name === base), `${name}: ${base}`)
  t.equal(stages.at(-1)?.name, 'gateway', 'what a build makes that names no target')
})

t.test(
  'what is copied from the repository is there, and what is copied from a stage comes from one before',
  async (t) => {
    for (const [index, { name, steps }] of stages.entries())
      for (const { text } of steps.filter((step) => step.name === 'COPY')) {
        const from = /^--from=(\S+) /.exec(text)?.[1]
        if (from !== undefined)
          t.ok(
            stages.slice(0, index).some((stage) => stage.name === from),
            `${name}: ${text}`,
          )
        else
          for (const source of text.split(' ').slice(0, -1)) t.ok(existsSync(join(ROOT, source)), `${name}: ${source}`)
      }
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    for (const [, script = ''] of JSON.stringify(instructions).matchAll(/npm run ([\w:]+)/g))
      t.ok(script in scripts, script)
    // Dependencies are copied as one folder: none may stand beside the manifest of a workspace instead.
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: object }
    t.same(
      Object.keys(lock.packages).filter((path) => path.startsWith('gateway/node_modules/')),
      [],
    )
  },
)

t.test('the image runs the command as nobody of importance, and knows how it is', async (t) => {
  t.match(last('USER'), /^[1-9]\d*$/, 'by number')
  t.same(JSON.parse(last('ENTRYPOINT')), ['tollgate'])
  t.same(JSON.parse(last('CMD')), ['run'])
  t.match(last('ENV'), /TOLLGATE_CONFIG=\/etc\/tollgate\/gateway\.yaml/)
  const [, command = ''] = / CMD (\[.*\])$/.exec(last('HEALTHCHECK')) ?? []
  const [program, name, ...options] = JSON.parse(command) as string[]
  t.same([program, name], ['tollgate', 'health'])
  for (const option of options.filter((one) => one.startsWith('--'))) t.match(healthHelp, option)
  const waits = Number(/--timeout=(\d+)s/.exec(last('HEALTHCHECK'))?.[1])
  t.ok(Number.parseInt(options.at(-1) ?? '') < waits, 'it says why before it is killed')
})

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string }
  readonly image?: string
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: object
  readonly read_only?: boolean
  readonly ports?: readonly string[]
}

t.test(
  'compose: builds, mounts, volumes and dependencies are there, and gateways can be reached through nginx alone',
  async (t) => {
    const folder = join(ROOT, 'deploy/compose')
    const { services, volumes } = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as {
      services: Record<string, Service>
      volumes: object
    }
    t.same(Object.keys(services).sort(), [
      'gateway-a',
      'gateway-b',
      'grafana',
      'nginx',
      'prometheus',
      'redis',
      'sample',
    ])
    for (const [name, { build, image, volumes: mounts = [], depends_on: needs = {} }] of Object.entries(services)) {
      t.ok((build === undefined) !== (image === undefined), name)
      if (build !== undefined) {
        t.ok(existsSync(join(folder, build.context, build.dockerfile)), `${name}: ${build.dockerfile}`)
        t.ok(
          stages.some((stage) => stage.name === build.target),
          `${name}: ${build.target}`,
        )
      } else t.match(image, /^[a-z/-]+:v?\d/, `${name} has a version`)
      for (const mount of mounts) {
        const [source = ''] = mount.split(':')
        t.ok(source.startsWith('.') ? existsSync(join(folder, source)) : source in volumes, `${name}: ${mount}`)
      }
      for (const [other, { condition }] of Object.entries(needs)) {
        t.ok(other in services, `${name} needs ${other}`)
        const isChecked = services[other]?.healthcheck !== undefined || services[other]?.build?.target === 'gateway'
        t.ok(condition === 'service_started' || isChecked, `${other} says that it is healthy`)
      }
    }
    for (const name of ['gateway-a', 'gateway-b']) {
      t.equal(services[name]?.read_only, true)
      t.equal(services[name]?.ports, undefined)
      t.match(readFileSync(join(folder, 'nginx.conf'), 'utf8'), `server ${name}:8080;`)
      t.match(readFileSync(join(folder, 'prometheus.yaml'), 'utf8'), `${name}:9901`)
    }
    for (const { ports = [] } of Object.values(services)) for (const port of ports) t.match(port, /^127\.0\.0\.1:/)
  },
)
