// What all policies have in common, in the seconds of this bench instead of the minutes of life.

export const POLICIES = ['naive-grace', 'naive-ahead', 'redis-lock', 'tollgate'] as const
export type Policy = (typeof POLICIES)[number]

export const TITLES: Readonly<Record<Policy, string>> = {
  'naive-grace': 'grace period, a new token for each request',
  'naive-ahead': 'ahead, the old token blocked at once',
  'redis-lock': 'ahead, a lock in Redis',
  tollgate: 'Tollgate, signingKey',
}

export const LIFETIME_SEC = 10
export const WINDOW_SEC = 5
export const GRACE_SEC = 5
export const OVERLAP_MS = 3000
export const ISSUER = 'https://login.example.com'
