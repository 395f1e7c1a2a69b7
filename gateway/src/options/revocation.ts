// The options of the revoke stage: where the block list is stored, and what applies while the store is unreachable.
import { Type, type StaticDecode } from 'typebox'

import { Duration, Options } from './kinds.ts'

const LevelStore = Options(
  {
    level: Type.String({
      description:
        'Folder of an embedded database for one gateway on one machine; survives restarts and crashes. Relative to the config file; made when it is not there.',
      format: 'folder-path',
      minLength: 1,
    }),
  },
  { description: 'Kept on this machine.' },
)

const RedisStore = Options(
  {
    redis: Type.String({
      description:
        'URL of a Redis or Valkey that all gateways share: redis://user:password@host:6379/0, rediss:// with TLS; redis+sentinel://host:26379,host:26379/master-name and redis+cluster://host:6379,host:6379 (or rediss+...) for Sentinel and Cluster.',
      writeOnly: true,
      minLength: 1,
    }),
    ca: Type.Optional(
      Type.String({
        description:
          'File with the certificates, in PEM, that the servers’ certificates must lead to, instead of those that Node knows. Needs a URL with rediss.',
        format: 'file-path',
      }),
    ),
  },
  { description: 'Shared by many gateways.' },
)

export const RevocationOptions = Options(
  {
    store: Type.Union([Type.Enum(['memory']), LevelStore, RedisStore], {
      description:
        'Where the block list is kept, beside the copy that each process has in memory: memory (gone at a restart), { level: folder } or { redis: url, ca: file } (ca: certificates in PEM for rediss). Default memory.',
      default: 'memory',
    }),
    onStoreDown: Type.Enum(['serve', 'refuse'], {
      description:
        'While the store cannot be reached. serve: go on with what is known, also at the start, when that is nothing (/readyz says not ready then). refuse: requests with tokens are answered 503 revocations_unavailable. Default serve.',
      default: 'serve',
    }),
    reconcile: Duration({
      least: '1s',
      description:
        'How often the whole list is compared with that in Redis, besides following its changes as they happen. Default 1m.',
      default: '1m',
    }),
    loadTimeout: Duration({
      description:
        'How long a start waits for the whole list from a Redis that can be reached; no request is served before. After that, or at once when it cannot be reached, as onStoreDown says. Default 30s.',
      default: '30s',
    }),
    keyPrefix: Type.String({
      description: 'What the names of all keys in Redis begin with. Default tollgate.',
      default: 'tollgate',
      pattern: '^[\\w.:-]+$',
      examples: ['tollgate'],
    }),
    maxEntries: Type.Integer({
      description: 'Entries that the admin API may bring the list to; each takes about 100 bytes. Default 2000000.',
      default: 2_000_000,
      minimum: 1,
    }),
  },
  { description: 'Tokens, sessions and subjects that are refused before their tokens end.', default: {} },
)

export type RevocationOptions = StaticDecode<typeof RevocationOptions>
