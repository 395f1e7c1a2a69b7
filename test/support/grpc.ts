// The library that services of gRPC use, with as much of its types as the tests need.
import type { EventEmitter } from 'node:events'

export interface Call extends EventEmitter {
  readonly request?: Buffer
  write(piece: Buffer): boolean
  end(): void
  cancel(): void
}

export interface Metadata {
  set(name: string, value: string): void
  get(name: string): readonly (string | Buffer)[]
}

export interface GrpcError extends Error {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

type Method = (...parameters: unknown[]) => unknown

export type Client = Record<string, Method | undefined> & { close(): void; makeUnaryRequest: Method }

interface Server {
  addService(service: object, methods: object): void
  bindAsync(address: string, credentials: unknown, done: (error: Error | null, port: number) => void): void
  forceShutdown(): void
}

interface Grpc {
  readonly Server: new () => Server
  readonly Metadata: new () => Metadata
  readonly ServerCredentials: { createInsecure(): unknown }
  readonly credentials: { createInsecure(): unknown }
  makeGenericClientConstructor(service: object, name: string): new (address: string, credentials: unknown) => Client
}

const NAME = '@grpc/grpc-js'
export const grpc = (await import(NAME)) as Grpc
