// Says one thing that is wrong with a config file, and where.

export type Path = readonly (string | number)[]

/** Advice is told where it is asked for: what is allowed, but seldom wise. */
export type Severity = 'error' | 'warning' | 'advice'

export interface Problem {
  readonly severity: Severity
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** Of the option, such as `routes[0].auth`; '' for the file as a whole. */
  readonly path: string
  readonly message: string
  readonly hint: string | undefined
  /** The line of the file, for the code frame; secrets written into the file are blotted out. */
  readonly sourceLine: string
  /** The message says itself which option it is about. */
  readonly standsAlone: boolean
}

/** Something wrong with the option at a path: the place in the file is added by whoever knows the file. */
export interface Finding {
  readonly severity?: Severity
  readonly path: Path
  /** Point at the key rather than at its value. */
  readonly atKey?: boolean
  readonly message: string
  readonly hint?: string | undefined
  readonly standsAlone?: boolean
  /** Gives way to any other finding at the same path, which knows better. */
  readonly vague?: boolean
  /** The option is none: what seems to be missing beside it may be meant. */
  readonly unknownKey?: boolean
  /** Of a warning: is certain only when nothing below this path is wrong. */
  readonly presumes?: Path
}

/** `routes[0].auth`: as people write paths. Keys that are no words are quoted. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w-]+$/.test(step)) return `[${JSON.stringify(step)}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}
