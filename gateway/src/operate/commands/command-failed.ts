// The error of a command that failed: shown as text without a stack, with exit code 1, 2 for wrong usage, or 3 where the answer is not known.

export class CommandFailed extends Error {}

/** Nothing was tried: the call itself is wrong. */
export class WrongCall extends CommandFailed {}

/** What was asked cannot be told from here. */
export class NotKnown extends CommandFailed {}
