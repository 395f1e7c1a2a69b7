// The types of option values that YAML lacks: durations, sizes, URLs, and objects that refuse unknown keys.
import { Type, type StaticDecode, type TObject, type TObjectOptions, type TProperties, type TSchema } from 'typebox'

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES_PER_UNIT: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

const DURATION = '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$'
const SIZE = '^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)$'

interface ValueOptions {
  readonly description: string
  readonly default?: string
  /** The minimum. A lower value is useless or changes the meaning, such as a timer that never rests. */
  readonly least?: string
  /** The maximum. No timer can wait for a higher value. */
  readonly most?: string
}

function toNumber(text: string, perUnit: Readonly<Record<string, number>>): number {
  const unit = /[A-Za-z]+$/.exec(text)?.[0] ?? ''
  return Math.round(Number.parseFloat(text) * (perUnit[unit] ?? Number.NaN))
}

/** Parses a duration such as `250ms`, `30s`, `5m`, `12h`, `1d`. Returns milliseconds; NaN for any other text. */
export function parseDuration(text: string): number {
  return new RegExp(DURATION).test(text) ? toNumber(text, MS_PER_UNIT) : Number.NaN
}

/** Parses a size such as `16KiB`. Returns bytes; NaN for any other text. */
export function parseSize(text: string): number {
  return new RegExp(SIZE).test(text) ? toNumber(text, BYTES_PER_UNIT) : Number.NaN
}

/** A duration: `30s` in YAML, milliseconds in the config. */
export function Duration(options: ValueOptions) {
  return Type.Codec(
    Type.String({ ...options, unit: 'duration', pattern: DURATION, examples: ['250ms', '30s', '5m', '12h', '1d'] }),
  )
    .Decode((text) => toNumber(text, MS_PER_UNIT))
    .Encode((ms) => `${ms}ms`)
}

/** A size: `16KiB` in YAML, bytes in the config. */
export function Size(options: ValueOptions) {
  return Type.Codec(
    Type.String({ ...options, unit: 'size', pattern: SIZE, examples: ['512B', '16KiB', '10MiB', '1GiB'] }),
  )
    .Decode((text) => toNumber(text, BYTES_PER_UNIT))
    .Encode((bytes) => `${bytes}B`)
}

/** An object whose unknown keys are errors, because a misspelt key must not disable a check silently. */
export function Options<Properties extends TProperties>(
  properties: Properties,
  options: TObjectOptions & { description: string },
): TObject<Properties> {
  return Type.Object(properties, { ...options, additionalProperties: false })
}

/** One value, or a list of them: a list in the config. */
export function OneOrMore<Schema extends TSchema>(
  one: Schema,
  options: { readonly description: string; readonly default?: unknown },
) {
  return Type.Codec(Type.Union([one, Type.Array(one, { minItems: 1 })], options))
    .Decode((value): readonly StaticDecode<Schema>[] => (Array.isArray(value) ? value : [value]))
    .Encode((values) => values as never)
}
