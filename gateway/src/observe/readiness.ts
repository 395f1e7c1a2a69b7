// What keeps a gateway from being ready, as parts of it tell.

export interface NotReady {
  readonly part: string
  readonly reason: string
}

/** Why the gateway is not ready; an empty list when it is. */
export type Readiness = () => readonly NotReady[]
