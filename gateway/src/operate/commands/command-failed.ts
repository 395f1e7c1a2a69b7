// The errors of a failed command: shown as text without a stack, with exit code 1, 2 for wrong usage, or 3 for a result that is not known.

export class CommandFailed extends Error {}

/** Wrong usage (exit code 2): the command did nothing. */
export class WrongCall extends CommandFailed {}

/** The command cannot determine the result (exit code 3). */
export class NotKnown extends CommandFailed {}
