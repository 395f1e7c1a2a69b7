// The error for an issuer that refuses to renew a token for good.

export class RenewalRefused extends Error {}
