// Judges keys that were read: no usable key is an error; a weak or skipped key is a warning.
import { texts, type Loose } from '../loose.ts'
import type { KeyPolicy, KeySet } from '../../../authenticate/keys/key-set.ts'
import { ALGORITHMS, type Algorithm } from '../../../options/tokens.ts'
import type { Finding, Path } from '../../problem.ts'

/** Returns no algorithms when one is misspelt: the schema reports it, and the keys may be for that algorithm. */
export function policyOf(issuer: Loose): KeyPolicy {
  const algorithms = texts(issuer['algorithms'])
  const areKnown = algorithms.every((algorithm) => ALGORITHMS.some((known) => known === algorithm))
  return {
    algorithms: areKnown ? ALGORITHMS.filter((algorithm) => algorithms.includes(algorithm)) : [],
    weakKeys: issuer['weakKeys'] === 'warn' ? 'warn' : 'refuse',
    allowSecrets: true,
  }
}

/** Suggests what would make these keys usable: weaker rules, or other algorithms. Undefined when nothing would. */
function remedyFor(load: (policy: KeyPolicy) => KeySet, policy: KeyPolicy): string | undefined {
  if (load({ ...policy, weakKeys: 'warn' }).keys.length > 0)
    return 'use a stronger one; weakKeys: warn takes it nevertheless'
  const { keys } = load({ ...policy, algorithms: ALGORITHMS, weakKeys: 'warn' })
  if (keys.length === 0) return undefined
  const served = new Set<Algorithm>(keys.map(({ algorithm }) => algorithm))
  return `it serves ${[...served].join(', ')}`
}

/** Leaves out that a key has no kid: a file with a single key needs none. */
function inWords(remarks: readonly string[]): string {
  return remarks
    .map((remark) => remark.replace(/^a key without kid(:?) /, (_, colon) => (colon ? '' : 'its key ')))
    .join('; ')
}

/** Returns an error when no key is usable, otherwise a warning. `name` is the file as written in the config; undefined for a secret. */
export function judgeKeys(
  path: Path,
  name: string | undefined,
  policy: KeyPolicy,
  load: (policy: KeyPolicy) => KeySet,
): readonly Finding[] {
  const { keys, remarks } = load(policy)
  if (remarks.length === 0 && keys.length > 0) return []
  const message = `${name === undefined ? '' : `${name}: `}${inWords(remarks) || 'it holds no key'}`
  if (keys.length === 0) return [{ path, message, hint: remedyFor(load, policy) }]
  return [{ severity: 'warning', path, message }]
}

/** Returns the encoding of a secret; undefined for an unknown one, whose secret cannot be checked. */
export function encodingOf({ encoding = 'utf8' }: Loose): 'utf8' | 'base64url' | undefined {
  return encoding === 'utf8' || encoding === 'base64url' ? encoding : undefined
}

/** Node skips characters that are not base64url, and would use another secret than the intended one. */
export function checkSpelling(path: Path, secret: Loose, value: string): readonly Finding[] | undefined {
  if (encodingOf(secret) !== 'base64url' || /^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) return undefined
  return [{ path: [...path, 'value'], message: 'is not base64url: it holds other characters', hint: 'encoding: utf8' }]
}
