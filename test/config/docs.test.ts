import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'

import { asNode, type SchemaNode } from '../../gateway/src/config/schema/schema-walk.ts'
import { ConfigOptions } from '../../gateway/src/options/config.ts'
import { loadConfig } from '../../gateway/src/config/load.ts'
import { configReference } from '../../gateway/src/config/reference/config-reference.ts'
import { configSchemaJson } from '../../gateway/src/config/reference/config-schema.ts'

const CONFIG = new URL('../../config/', import.meta.url)

t.test('the committed schema and reference are those of the options', async (t) => {
  const hint = 'run npm run config:generate'
  t.equal(readFileSync(new URL('gateway.schema.json', CONFIG), 'utf8'), configSchemaJson(), hint)
  t.equal(readFileSync(new URL('README.md', CONFIG), 'utf8'), configReference(), hint)
})

t.test('the published schema has no format that a validator may not know', async (t) => {
  const formats = [...configSchemaJson().matchAll(/"format": "([^"]+)"/g)].map(([, format]) => format)
  t.same(
    formats.filter((format) => !['uri', 'date-time', 'ipv4', 'ipv6', 'hostname', 'regex'].includes(format ?? '')),
    [],
  )
})

t.test('the published schema has no keyword of our own, which a strict validator refuses', async (t) => {
  t.match(JSON.stringify(ConfigOptions), /"unit":"duration".*"least":/)
  t.notMatch(configSchemaJson(), /"(unit|least|most)": "/)
})

t.test('every option says what it is for', async (t) => {
  function undescribed(node: SchemaNode, path: string): string[] {
    const children = [...Object.entries(node.properties ?? {}), ...Object.entries(node.patternProperties ?? {})]
    const inner = children.flatMap(([name, child]) => undescribed(child, `${path}.${name}`))
    return [...(node.description === undefined ? [path] : []), ...inner]
  }
  t.same(undescribed(asNode(ConfigOptions), 'config'), [])
})

t.test('the sample config loads without a warning, and so does every example', async (t) => {
  const files = [
    'gateway.yaml',
    ...readdirSync(new URL('examples/', CONFIG))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => `examples/${name}`),
  ]
  t.ok(files.length >= 6)
  for (const name of files)
    t.match(loadConfig(new URL(name, CONFIG).pathname, { env: {} }), { ok: true, warnings: [] }, name)
})
