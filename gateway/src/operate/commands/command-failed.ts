// The error of a command that failed: shown as text without a stack, with exit code 1, or 2 for wrong usage.

export class CommandFailed extends Error {}

/** Nothing was tried: the call itself is wrong. */
export class WrongCall extends CommandFailed {}
