// The values of header edits: text with references that are put in for each request.

/** A part of a value: text, or what is put in. */
export type TemplatePart =
  { readonly text: string } | { readonly fact: 'client.ip' | 'request.id' | 'route.path' } | { readonly claim: string }

const FACTS = ['client.ip', 'request.id', 'route.path'] as const
const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g
const PREFIX = 'claims:'

/** What may stand in ${...}, for messages. */
export const TEMPLATE_FORMS = `${FACTS.map((name) => `\${${name}}`).join(', ')}, \${claims:/pointer}`

/** True for a reference of a request: the others are read at the start (config/text/substitute.ts). */
export function isRequestReference(reference: string): boolean {
  return reference.startsWith(PREFIX) || /^[a-z]+\.[a-z]+$/i.test(reference)
}

/** Undefined for a reference that there is not. */
function partOf(reference: string): TemplatePart | undefined {
  if (reference.startsWith(PREFIX)) return { claim: reference.slice(PREFIX.length) }
  const fact = FACTS.find((name) => name === reference)
  return fact === undefined ? undefined : { fact }
}

/** Returns the parts, or the reference that there is not. */
export function parseTemplate(value: string): readonly TemplatePart[] | { readonly unknown: string } {
  const parts: TemplatePart[] = []
  let end = 0
  for (const match of value.matchAll(REFERENCE)) {
    const [whole, reference] = match
    parts.push({ text: value.slice(end, match.index) })
    end = match.index + whole.length
    const part = reference === undefined ? { text: '${' } : whole.endsWith('}') ? partOf(reference) : undefined
    if (part === undefined) return { unknown: reference ?? '' }
    parts.push(part)
  }
  parts.push({ text: value.slice(end) })
  return parts.filter((part) => !('text' in part) || part.text !== '')
}
