// The issuer's no: it will not renew this token, and asking again will not change that.

export class RenewalRefused extends Error {}
