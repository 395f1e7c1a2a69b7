// Conditions on claims, found by JSON Pointer (RFC 6901): nested claims and names like URLs work alike.
import type { ClaimCondition, ClaimValue } from '../options/route/require.ts'
import type { AuthResult, JsonValue } from '../authenticate/auth-result.ts'
import { ExactNumber, readNumber } from '../message/json/exact-number.ts'
import { compilePointer } from '../message/json/json-pointer.ts'
import { kindOfValue } from '../message/shown-value.ts'
import { Failure } from '../failure.ts'
import type { ReadOnly } from '../options/read-only.ts'

type Test = (value: JsonValue | undefined) => boolean

/** Whether a claim is this very value. */
function compileEquals(expected: ReadOnly<ClaimValue>): Test {
  const wanted = typeof expected === 'object' ? readNumber(expected.number) : expected
  return wanted instanceof ExactNumber ? (value) => ExactNumber.same(value, wanted) : (value) => value === wanted
}

/** A list with this member; or this very text alone, which some issuers send instead of a list of one. */
function compileContains(expected: ReadOnly<ClaimValue>): Test {
  const isMember = compileEquals(expected)
  return (value) => (Array.isArray(value) ? value.some(isMember) : typeof value === 'string' && value === expected)
}

function compileTests(condition: ReadOnly<ClaimCondition>): readonly Test[] {
  const { equals, oneOf, contains, prefix, exists } = condition
  const tests: Test[] = []
  if (equals !== undefined) tests.push(compileEquals(equals))
  if (oneOf !== undefined) {
    const either = oneOf.map(compileEquals)
    tests.push((value) => either.some((isEqual) => isEqual(value)))
  }
  if (contains !== undefined) tests.push(compileContains(contains))
  if (prefix !== undefined) tests.push((value) => typeof value === 'string' && value.startsWith(prefix))
  if (exists !== undefined) tests.push((value) => (value !== undefined && value !== null) === exists)
  return tests
}

/** Nearly always there is one: then it stands for all. */
function allOf(tests: readonly Test[]): Test {
  const [only] = tests
  return only !== undefined && tests.length === 1 ? only : (value) => tests.every((test) => test(value))
}

/** All conditions must hold. The failure names the claim by its pointer, never its value. */
export function compileClaims(
  conditions: ReadOnly<Record<string, ClaimCondition>>,
): (caller: AuthResult) => Failure | undefined {
  const compiled = Object.entries(conditions).map(([pointer, condition]) => ({
    read: compilePointer<JsonValue>(pointer),
    test: allOf(compileTests(condition)),
    refused: `the claim ${pointer} is not as this route demands (${Object.keys(condition).join(', ')})`,
  }))
  return ({ claims }) => {
    for (let index = 0; index < compiled.length; index += 1) {
      const { read, test, refused } = compiled[index] as (typeof compiled)[number]
      const value = read(claims)
      if (!test(value)) return new Failure('claim_forbidden', `${refused}: it is ${kindOfValue(value)}`)
    }
    return undefined
  }
}
