// The type of a problem in a config file: what is wrong, and its position.

export type Path = readonly (string | number)[]

/** Advice is shown on request only: it is about options that are allowed, but rarely wise. */
export type Severity = 'error' | 'warning' | 'advice'

export interface Problem {
  readonly severity: Severity
  readonly file: string
  /** Line, counted from 1. */
  readonly line: number
  /** Column, counted from 1. */
  readonly column: number
  /** The option, such as `routes[0].auth`; '' for the whole file. */
  readonly path: string
  readonly message: string
  readonly hint: string | undefined
  /** The line of the file, for the code frame. Secrets in it are masked. */
  readonly sourceLine: string
  /** True when the message itself names the option. */
  readonly standsAlone: boolean
}

/** A problem of the option at a path, before its position in the file is known. */
export interface Finding {
  readonly severity?: Severity
  readonly path: Path
  /** Locates the key rather than its value. */
  readonly atKey?: boolean
  readonly message: string
  readonly hint?: string | undefined
  readonly standsAlone?: boolean
  /** True for a general finding that is dropped when there is another one at the same path. */
  readonly vague?: boolean
  /** True for an unknown key. It may be the misspelt name of an option that seems to be missing beside it. */
  readonly unknownKey?: boolean
  /** For a warning: it is valid only when there is no error below this path. */
  readonly presumes?: Path
}

/** Formats a path as people write it: `routes[0].auth`. Keys with other characters than words are quoted. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w-]+$/.test(step)) return `[${JSON.stringify(step)}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}
