// The links of an early hint (103), checked as node:http checks them: it throws where this says no.

const LINK = /^(?:<[^>]*>)(?:\s*;\s*[^;"\s]+(?:=(")?[^;"\s]*\1)?)*$/

/** False for none at all, too: then there is nothing to hint at. */
export function areLinks(values: readonly string[]): boolean {
  return values.length > 0 && values.every((value) => LINK.test(value))
}
