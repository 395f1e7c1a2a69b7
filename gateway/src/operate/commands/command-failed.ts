// A command that could not do what it was asked: exit code 1 and this text, without a stack.

export class CommandFailed extends Error {}
