// A command that could not do what it was asked, told in a text without a stack: exit code 1, or 2 for a call that is wrong.

export class CommandFailed extends Error {}

/** Nothing was tried: the call itself is wrong. */
export class WrongCall extends CommandFailed {}
