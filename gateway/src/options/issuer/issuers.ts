// The options of an issuer: whose tokens are accepted, and how they are renewed.
import { Type, type StaticDecode } from 'typebox'

import { IssuerOptions as TrustOptions } from '../tokens.ts'
import { Options } from '../kinds.ts'
import { RenewalOptions } from './renewal.ts'

export const IssuerOptions = Options(
  { ...TrustOptions.properties, renewal: Type.Optional(RenewalOptions) },
  { description: 'Whose tokens are believed, under which conditions, and how they are renewed.' },
)

export type IssuerOptions = StaticDecode<typeof IssuerOptions>
