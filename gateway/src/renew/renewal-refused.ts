// The error of an issuer that refuses to renew a token, which no retry changes.

export class RenewalRefused extends Error {}
