// Each case is a file: the config, a line of ten dashes, and what is said about it. UPDATE_GOLDEN=1 writes what is said now.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { formatProblem } from '../../gateway/src/config/format-problem.ts'
import { loadConfig } from '../../gateway/src/config/load.ts'
import { makeCertificate } from '../support/certificates.ts'

const CASES = new URL('cases/', import.meta.url).pathname
const SEPARATOR = '\n----------\n'
const ENV = {
  PORT: '9090',
  EMPTY: '',
  SECRET: 'hunter2-hunter2-hunter2-hunter2-',
  WORD: 'not-a-port',
  NAME: 'hunter2',
  INJECTED: 'a\nroutes: []',
}

const certificate = makeCertificate(t.testdir(), 'issuer.example.com')
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const FILES = {
  'key.pem': publicKey.export({ type: 'spki', format: 'pem' }) as string,
  'own.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  'junk.pem': 'x',
  'secret.txt': 'from-a-file\n',
  'ca.pem': readFileSync(certificate.cert, 'utf8'),
  'ca.key.pem': readFileSync(certificate.key, 'utf8'),
}

function told(directory: string, config: string): string {
  const file = join(directory, 'case.yaml')
  writeFileSync(file, config)
  const loaded = loadConfig(file, { env: ENV })
  const problems = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings]
  return [...(loaded.ok ? ['ok'] : []), ...problems.map(formatProblem)].join('\n').replaceAll(`${directory}/`, '')
}

for (const name of readdirSync(CASES).filter((file) => file.endsWith('.yaml-case'))) {
  t.test(name.replace('.yaml-case', '').replaceAll('-', ' '), async (t) => {
    const text = readFileSync(join(CASES, name), 'utf8')
    const [config = '', expected = ''] = text.split(SEPARATOR)
    const actual = told(t.testdir(FILES), config)
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(join(CASES, name), `${config}${SEPARATOR}${actual}\n`)
    else t.equal(actual, expected.trimEnd())
    t.notMatch(
      actual,
      /hunter2|not-a-port|from-a-file/,
      'no secret of the environment, of a file or of the config is told',
    )
  })
}
