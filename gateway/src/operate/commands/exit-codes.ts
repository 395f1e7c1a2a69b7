// The exit codes of the command line, and their meanings.

export const EXIT_CODES = {
  done: { code: 0, meaning: 'done; of `run`: it was asked to end, and did' },
  failed: {
    code: 1,
    meaning: 'failed, invalid or refused; of `run`: it could not start, or ended by an error or at a second signal',
  },
  usage: { code: 2, meaning: 'the call is wrong: an unknown command or option, or one that is missing' },
  notKnown: {
    code: 3,
    meaning: 'of `explain`: not known, as something decides that only the network or the gateway that runs can tell',
  },
  differs: { code: 4, meaning: 'of `diff`: the config file says something else than what runs' },
} as const
