// The objects for Kubernetes, of kustomize and of the chart: each has what its kind needs, and they fit together.
import t, { type Test } from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

import { fillTemplates } from '../support/helm-templates.ts'

const DEPLOY = new URL('../../deploy', import.meta.url).pathname

type Tree = Readonly<Record<string, unknown>>
interface Entity extends Tree {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Tree
}

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, step) => (node as Tree | undefined)?.[step], value)

/** By kind: its API version, and the paths that the API reference says are required or that it does nothing without. */
const NEEDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  Namespace: ['v1'],
  ConfigMap: ['v1', 'data'],
  Service: ['v1', 'spec.selector', 'spec.ports.0.port'],
  Deployment: [
    'apps/v1',
    'spec.selector.matchLabels',
    'spec.template.metadata.labels',
    'spec.template.spec.containers.0.image',
  ],
  HorizontalPodAutoscaler: [
    'autoscaling/v2',
    'spec.scaleTargetRef.name',
    'spec.maxReplicas',
    'spec.metrics.0.resource.target.type',
  ],
  PodDisruptionBudget: ['policy/v1', 'spec.selector.matchLabels', 'spec.maxUnavailable'],
  NetworkPolicy: ['networking.k8s.io/v1', 'spec.podSelector.matchLabels', 'spec.policyTypes.0', 'spec.ingress'],
  ServiceMonitor: ['monitoring.coreos.com/v1', 'spec.selector.matchLabels', 'spec.endpoints.0.port'],
}

const documentsIn = (text: string) =>
  parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    const value = document.toJS() as Entity | null
    return value === null ? [] : [value]
  })

interface Kustomization {
  readonly resources: readonly string[]
  readonly labels: readonly [{ readonly pairs: Readonly<Record<string, string>>; readonly includeSelectors: boolean }]
  readonly configMapGenerator: readonly [{ readonly name: string; readonly files: readonly string[] }]
  readonly generatorOptions: { readonly disableNameSuffixHash: boolean }
  readonly images: readonly { readonly name: string }[]
}

const kustomization = parse(readFileSync(join(DEPLOY, 'kubernetes/kustomization.yaml'), 'utf8')) as Kustomization
const [generated] = kustomization.configMapGenerator
const plain = kustomization.resources.flatMap((file) =>
  documentsIn(readFileSync(join(DEPLOY, 'kubernetes', file), 'utf8')),
)
const generatedMap = {
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: generated.name }, spec: {} },
  data: Object.fromEntries(
    generated.files.map((file) => [file, readFileSync(join(DEPLOY, 'kubernetes', file), 'utf8')]),
  ),
}
const chart = join(DEPLOY, 'helm/tollgate')
const everything = { serviceMonitor: { enabled: true }, env: [{ name: 'REDIS_URL', value: 'redis://redis:6379' }] }
const charted = fillTemplates(chart, 'edge', everything).flatMap(documentsIn)

/** True when each label that a selector wants is there. */
const selects = (selector: unknown, labels: unknown) =>
  Object.entries(selector as Record<string, string>).every(
    ([name, value]) => at(labels, '') !== null && (labels as Record<string, string>)[name] === value,
  )

function checkTogether(t: Test, entities: readonly Entity[]): void {
  const all = (kind: string) => entities.filter((entity) => entity.kind === kind)
  for (const entity of entities) {
    const [apiVersion, ...paths] = NEEDS[entity.kind] ?? ['unknown kind']
    t.equal(entity.apiVersion, apiVersion, entity.kind)
    t.match(entity.metadata.name, /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/)
    for (const path of paths) t.not(at(entity, path), undefined, `${entity.kind} ${entity.metadata.name}: ${path}`)
  }
  const [deployment] = all('Deployment')
  const pod = at(deployment, 'spec.template') as Entity
  const labels = pod.metadata.labels
  const container = at(pod, 'spec.containers.0') as Tree
  const ports = (container['ports'] as { name: string; containerPort: number }[]).map(({ name }) => name)
  t.same(ports, ['http', 'admin'])
  t.ok(selects(at(deployment, 'spec.selector.matchLabels'), labels), 'the deployment finds its pods')
  for (const { metadata, spec } of all('Service')) {
    t.ok(selects(spec['selector'], labels), `${metadata.name} finds the pods`)
    for (const { targetPort } of spec['ports'] as { targetPort: string }[]) t.ok(ports.includes(targetPort), targetPort)
  }
  for (const { spec } of all('PodDisruptionBudget')) t.ok(selects(at(spec, 'selector.matchLabels'), labels))
  for (const { spec } of all('NetworkPolicy')) {
    t.ok(selects(at(spec, 'podSelector.matchLabels'), labels))
    const rules = spec['ingress'] as { from?: unknown; ports: { port: string }[] }[]
    t.same(
      rules.map((rule) => [rule.ports[0]?.port, rule.from !== undefined]),
      [
        ['http', false],
        ['admin', true],
      ],
      'the admin listener is not for everybody',
    )
  }
  for (const { spec } of all('HorizontalPodAutoscaler')) {
    t.equal(at(spec, 'scaleTargetRef.name'), deployment?.metadata.name)
    t.equal(at(deployment, 'spec.replicas'), undefined, 'each apply would set it back')
  }
  for (const { spec } of all('ServiceMonitor')) {
    const found = all('Service').filter(({ metadata }) =>
      selects(at(spec, 'selector.matchLabels'), metadata.labels ?? {}),
    )
    t.same(
      found.map((service) => at(service, 'spec.ports.0.name')),
      [at(spec, 'endpoints.0.port')],
      'it finds one service, by a port of its own',
    )
  }
  const [mount] = container['volumeMounts'] as { name: string; mountPath: string; subPath?: string }[]
  const [volume] = at(pod, 'spec.volumes') as { name: string; configMap: { name: string } }[]
  t.same([mount?.name, mount?.mountPath, mount?.subPath], [volume?.name, '/etc/tollgate', undefined])
  const config = all('ConfigMap').find(({ metadata }) => metadata.name === volume?.configMap.name)
  t.match(at(config, 'data'), { 'gateway.yaml': /^watch: true$/m })
  t.match(container['securityContext'], {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  t.match(at(pod, 'spec.securityContext'), { runAsNonRoot: true, runAsUser: 1000 })
  for (const [probe, path] of [
    ['startupProbe', '/livez'],
    ['livenessProbe', '/livez'],
    ['readinessProbe', '/readyz'],
  ] as const)
    t.match(container[probe], { httpGet: { path, port: 'admin' } })
}

t.test('kustomize: each object has what its kind needs, and they fit together', async (t) => {
  t.equal(kustomization.generatorOptions.disableNameSuffixHash, true)
  const image = at(
    plain.find(({ kind }) => kind === 'Deployment'),
    'spec.template.spec.containers.0.image',
  )
  t.ok(kustomization.images.some(({ name }) => name === image))
  t.same(
    [...new Set(plain.map(({ kind }) => kind))].sort(),
    Object.keys(NEEDS)
      .filter((kind) => kind !== 'ConfigMap')
      .sort(),
  )
  checkTogether(t, [...plain, generatedMap])
})

t.test('the chart: the same, and its values are what its templates read', async (t) => {
  t.ok(existsSync(join(chart, 'Chart.yaml')))
  t.same(
    [...new Set(charted.map(({ kind }) => kind))].sort(),
    Object.keys(NEEDS)
      .filter((kind) => kind !== 'Namespace')
      .sort(),
  )
  checkTogether(t, charted)
  const deployment = charted.find(({ kind }) => kind === 'Deployment')
  t.match(at(deployment, 'spec.template.spec.containers.0'), {
    image: /^registry\.example\.com\/tollgate:\d/,
    env: [{ name: 'TOLLGATE_ADMIN_TOKEN' }, { name: 'REDIS_URL' }],
  })
  const fixed = { autoscaling: { enabled: false }, networkPolicy: { enabled: false } }
  const few = fillTemplates(chart, 'edge', fixed).flatMap(documentsIn)
  t.same(few.map(({ kind }) => kind).sort(), ['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Service', 'Service'])
  t.equal(
    at(
      few.find(({ kind }) => kind === 'Deployment'),
      'spec.replicas',
    ),
    2,
  )
  t.throws(() => fillTemplates(chart, 'edge', { adminTokenSecret: '' }), /adminTokenSecret/)
})

t.test('the chart and kustomize say the same of a pod', async (t) => {
  const specOf = (entities: readonly Entity[]) => {
    const deployment = entities.find(({ kind }) => kind === 'Deployment')
    const spec = structuredClone(at(deployment, 'spec.template.spec')) as Record<string, unknown>
    const [container] = spec['containers'] as Record<string, unknown>[]
    return {
      ...spec,
      topologySpreadConstraints: 0,
      volumes: 0,
      containers: [{ ...container, image: 0, imagePullPolicy: 0, env: 0 }],
    }
  }
  t.same(specOf(charted), specOf(plain))
})
