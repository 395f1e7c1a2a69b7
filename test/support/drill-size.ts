// How large a drill is: small among the tests, large by `npm run drill`.

/** The size of an attack: `TOLLGATE_DRILL=large` asks for the one that takes minutes. */
export function drillSize(small: number, large: number): number {
  return process.env['TOLLGATE_DRILL'] === 'large' ? large : small
}

/** A figure of a drill, for whoever ran it by hand. */
export function tellFigure(text: string): void {
  process.stderr.write(`drill: ${text}\n`)
}
