// Changes the values of one header in a list of raw headers, or takes the header out.

/** `name` in lower case. `edit` returns the value to have instead; undefined takes the header away. */
export function editHeader(headers: string[], name: string, edit: (value: string) => string | undefined): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const spelt = headers[index] as string
    if (spelt.length !== name.length || spelt.toLowerCase() !== name) continue
    const value = edit(headers[index + 1] as string)
    if (value === undefined) headers.splice(index, 2)
    else headers[index + 1] = value
  }
}
