// Names and values of a message as fields of HTTP/2: in lower case, each once, without those of HTTP/1.1's connections.
import type { OutgoingHttpHeaders } from 'node:http2'

import { FieldsByName } from './fields-by-name.ts'
import { memoizeByName } from '../memoize.ts'
import type { RawHeaders } from '../raw-headers.ts'

/** RFC 9113 section 8.2.2; and Host, which the authority says. */
const NOT_HERE: ReadonlySet<string> = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'],
])

/** In lower case, as section 8.2.1 wants them. */
const nameHere = memoizeByName((name) => {
  const lower = name.toLowerCase()
  return { lower, isKept: !NOT_HERE.has(lower) }
})

/** Node takes one value for many names: several are joined, which says the same (RFC 9110 section 5.3). */
function addField(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const before = fields[name]
  if (before === undefined) fields[name] = value
  else if (Array.isArray(before)) before.push(value)
  else
    fields[name] =
      name === 'set-cookie' ? [String(before), value] : `${String(before)}${name === 'cookie' ? ';' : ','} ${value}`
}

/** `headers` alternate names and values. */
export function http2Fields(headers: RawHeaders): OutgoingHttpHeaders {
  const fields = new FieldsByName() as OutgoingHttpHeaders
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const { lower, isKept } = nameHere(headers[index] as string)
    if (isKept) addField(fields, lower, headers[index + 1] as string)
  }
  return fields
}
