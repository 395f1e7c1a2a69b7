// Reads and edits raw headers, the flat lists of names and values that Node uses.

/** Alternating names and values, as in `IncomingMessage.rawHeaders`. */
export type RawHeaders = readonly string[]

/** Compares lengths first, so that most names need no lower-casing. */
function isNamed(spelt: string, name: string): boolean {
  return spelt.length === name.length && spelt.toLowerCase() === name
}

/** Calls `visit` for each header, with the name in its original spelling. */
export function eachHeader(headers: RawHeaders, visit: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < headers.length; index += 2)
    visit(headers[index] as string, headers[index + 1] as string)
}

/** Index of the first header of this lower-case name, its value follows; -1 if there is none. */
export function indexOfHeader(headers: RawHeaders, name: string): number {
  for (let index = 0; index + 1 < headers.length; index += 2) if (isNamed(headers[index] as string, name)) return index
  return -1
}

/** Value of the first header of this lower-case name; undefined if there is none. */
export function findHeader(headers: RawHeaders, name: string): string | undefined {
  const index = indexOfHeader(headers, name)
  return index === -1 ? undefined : headers[index + 1]
}

/** Values of all headers of this lower-case name, in order. */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = []
  eachHeader(headers, (spelt, value) => {
    if (isNamed(spelt, name)) values.push(value)
  })
  return values
}

/** Removes headers in place. `isTaken` receives the lower-case name. */
export function removeHeaders(headers: string[], isTaken: (name: string) => boolean): void {
  for (let index = headers.length - 2; index >= 0; index -= 2)
    if (isTaken((headers[index] as string).toLowerCase())) headers.splice(index, 2)
}

/** Removes all headers of this lower-case name in place, and returns their values in order. */
export function takeHeader(headers: string[], name: string): string[] {
  const values = valuesOf(headers, name)
  if (values.length > 0) removeHeaders(headers, (other) => other === name)
  return values
}

/** Edits all values of this lower-case name in place, from the last to the first. A result of undefined removes the header. */
export function replaceHeader(headers: string[], name: string, edit: (value: string) => string | undefined): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (!isNamed(headers[index] as string, name)) continue
    const value = edit(headers[index + 1] as string)
    if (value === undefined) headers.splice(index, 2)
    else headers[index + 1] = value
  }
}

/** Serializes headers as in an HTTP/1.1 message, each line with CRLF. */
export function headerLines(headers: RawHeaders): string {
  let lines = ''
  eachHeader(headers, (name, value) => {
    lines += `${name}: ${value}\r\n`
  })
  return lines
}
