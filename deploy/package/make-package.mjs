// Makes the npm package: what runs and the documents for it, in a folder of its own, and a tarball of that.
// `npm run package`, or: node deploy/package/make-package.mjs [folder for both; default dist].
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const OUT = resolve(process.argv[2] ?? join(ROOT, 'dist'))
const STAGE = join(OUT, 'package')
const EMBEDDING = 'operate/embed/create-gateway'

/** Copied as they are. LICENSE and the rest of docs/ are for people, the config schema is for their editors. */
const COPIED = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs',
  'config/README.md',
  'config/examples',
  'config/gateway.schema.json',
]

function copy(from, to) {
  mkdirSync(dirname(join(STAGE, to)), { recursive: true })
  cpSync(join(ROOT, from), join(STAGE, to), { recursive: true })
}

/** Only what has a source: dist/ keeps what was compiled of files that are gone. The comment would name a map that is not here. */
function copyCompiled() {
  for (const name of readdirSync(join(ROOT, 'gateway/src'), { recursive: true })) {
    if (!name.endsWith('.ts')) continue
    const target = join(STAGE, 'dist', name.replace(/\.ts$/, '.js'))
    const compiled = readFileSync(join(ROOT, 'gateway/dist', name.replace(/\.ts$/, '.js')), 'utf8')
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, compiled.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n'))
  }
  copy(`gateway/dist/${EMBEDDING}.d.ts`, `dist/${EMBEDDING}.d.ts`)
}

function writeManifest() {
  // `private` stays in the workspace, so that nothing is published but what this makes. The internal modules are no API.
  const {
    private: _,
    exports: __,
    files: ___,
    ...manifest
  } = JSON.parse(readFileSync(join(ROOT, 'gateway/package.json'), 'utf8'))
  const published = {
    ...manifest,
    exports: {
      '.': { types: `./dist/${EMBEDDING}.d.ts`, default: `./dist/${EMBEDDING}.js` },
      './config.schema.json': './config/gateway.schema.json',
      './package.json': './package.json',
    },
    // Publishing with provenance also wants `repository`, which must be the place that builds it.
    publishConfig: { access: 'public', provenance: true },
  }
  writeFileSync(join(STAGE, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
}

const markdown = (folder) => readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.md'))

/** A link to a file that is not in the package becomes its text. */
function cutLinks() {
  for (const name of markdown(STAGE)) {
    const file = join(STAGE, name)
    const text = readFileSync(file, 'utf8').replace(/\[([^\][]*)\]\(([^)\s]+)\)/g, (link, label, target) => {
      const path = target.replace(/#.*/, '')
      if (/^[a-z]+:/i.test(target) || path === '') return link
      const found = resolve(dirname(file), path)
      return !relative(STAGE, found).startsWith('..') && existsSync(found) ? link : label
    })
    writeFileSync(file, text)
  }
}

rmSync(STAGE, { recursive: true, force: true })
for (const name of COPIED) if (existsSync(join(ROOT, name))) copy(name, name)
copy('gateway/bin', 'bin')
copyCompiled()
writeManifest()
cutLinks()
// Called from the stage, as npm would take the .npmrc and the workspace of the repository otherwise.
const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', OUT], { cwd: STAGE, encoding: 'utf8' })
process.stdout.write(`${join(OUT, JSON.parse(packed)[0].filename)}\n`)
