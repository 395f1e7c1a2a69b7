// Compiles equal options once, so that all routes with these options share one object (decision 0018).

/** Only for sources that JSON distinguishes, which the schema of the config ensures (no NaN, no null). */
export function compileOnce<Source, Compiled>(compile: (source: Source) => Compiled): (source: Source) => Compiled {
  const compiled = new Map<string, Compiled>()
  return (source) => {
    const key = JSON.stringify(source)
    const known = compiled.get(key)
    if (known !== undefined) return known
    const made = compile(source)
    compiled.set(key, made)
    return made
  }
}
