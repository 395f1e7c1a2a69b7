// Why the process cannot start, in one line for the person who started it: shown without a stack.

export class StartupError extends Error {
  override readonly name = 'StartupError'
}
