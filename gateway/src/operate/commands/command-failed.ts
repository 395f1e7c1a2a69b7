// The errors of a failed command: shown as text without a stack, with exit code 1, 2 for wrong usage, 3 for a result that is not known, or 4 for differences.

export class CommandFailed extends Error {}

/** Wrong usage (exit code 2): the command did nothing. */
export class WrongCall extends CommandFailed {}

/** The command cannot determine the result (exit code 3). */
export class NotKnown extends CommandFailed {}

/** What runs is not what the config file says (exit code 4). */
export class Differs extends CommandFailed {}
