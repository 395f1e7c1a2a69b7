// Headers as Node has them, names and values in turn: read, taken out and changed without a loop over pairs in each place.

/** Names and values in turn, as `IncomingMessage.rawHeaders` has them. */
export type RawHeaders = readonly string[]

/** Lengths first: nearly all other headers are told apart without folding their case. */
function isNamed(spelt: string, name: string): boolean {
  return spelt.length === name.length && spelt.toLowerCase() === name
}

/** `visit` gets the name as it is spelt. */
export function eachHeader(headers: RawHeaders, visit: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < headers.length; index += 2)
    visit(headers[index] as string, headers[index + 1] as string)
}

/** Where the first header of this name (lower case) stands, its value behind it; -1 when there is none. */
export function indexOfHeader(headers: RawHeaders, name: string): number {
  for (let index = 0; index + 1 < headers.length; index += 2) if (isNamed(headers[index] as string, name)) return index
  return -1
}

/** The value of the first header of this name (lower case). */
export function findHeader(headers: RawHeaders, name: string): string | undefined {
  const index = indexOfHeader(headers, name)
  return index === -1 ? undefined : headers[index + 1]
}

/** The values of all headers of this name (lower case), in their order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = []
  eachHeader(headers, (spelt, value) => {
    if (isNamed(spelt, name)) values.push(value)
  })
  return values
}

/** Takes headers out, in place; `isTaken` gets the name in lower case. */
export function removeHeaders(headers: string[], isTaken: (name: string) => boolean): void {
  for (let index = headers.length - 2; index >= 0; index -= 2)
    if (isTaken((headers[index] as string).toLowerCase())) headers.splice(index, 2)
}

/** Takes all headers of this name (lower case) out, in place, and returns their values in their order. */
export function takeHeader(headers: string[], name: string): string[] {
  const values = valuesOf(headers, name)
  if (values.length > 0) removeHeaders(headers, (other) => other === name)
  return values
}

/** Changes the values of all headers of this name (lower case), in place, from the last to the first; undefined takes one out. */
export function replaceHeader(headers: string[], name: string, edit: (value: string) => string | undefined): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (!isNamed(headers[index] as string, name)) continue
    const value = edit(headers[index + 1] as string)
    if (value === undefined) headers.splice(index, 2)
    else headers[index + 1] = value
  }
}

/** As they stand in a message, each line with its end. */
export function headerLines(headers: RawHeaders): string {
  let lines = ''
  eachHeader(headers, (name, value) => {
    lines += `${name}: ${value}\r\n`
  })
  return lines
}
