// The claims that routes send as text, in headers of their own or within values, and where the value of each is.
import { claimHeaderFieldsOf, type ClaimField } from './claim-headers.ts'
import { editFieldsOf, type EditsConfig } from './edits/header-edits.ts'
import type { Config } from '../../options/config.ts'

export type ClaimFieldsConfig = EditsConfig & Pick<Config, 'claimHeaders'>

/** All different fields of a config, in an order that the order of its routes does not change. */
export function claimFieldsOf(config: ClaimFieldsConfig): readonly ClaimField[] {
  const fields = config.routes.flatMap((route) => [
    ...claimHeaderFieldsOf(config, route),
    ...editFieldsOf(config, route),
  ])
  const byText = new Map(fields.map((field) => [JSON.stringify(field), field]))
  return [...byText.keys()].sort().map((text) => byText.get(text) as ClaimField)
}

/** Returns where the value of a field is among those of a caller. */
export function placesOf(config: ClaimFieldsConfig): (field: ClaimField) => number {
  const placeOf = new Map(claimFieldsOf(config).map((field, place) => [JSON.stringify(field), place]))
  return (field) => {
    const place = placeOf.get(JSON.stringify(field))
    if (place === undefined) throw new Error(`the claim ${field.claim} is no field`)
    return place
  }
}
