// Defines the keys of the block list in Redis, and the scripts on them. docs/revocation.md describes them for other writers.

export interface RedisKeys {
  /** A hash: entry name -> content as JSON. */
  readonly entries: string
  /** A stream: the name of each changed entry, in the field `entry`. */
  readonly changes: string
}

/**
 * The field of the hash that marks its data: a random word and a time in milliseconds, set by the first machine that found no
 * mark. When it is missing or different, Redis has lost its data (flushed, evicted, or started without it).
 */
export const MARK = 'mark'

/** Returns the keys for a prefix. The braces (hash tag) keep both on one node of a cluster, so that one script can change them. */
export function redisKeysOf(prefix: string): RedisKeys {
  return { entries: `${prefix}:{revoked}:entries`, changes: `${prefix}:{revoked}:changes` }
}

/** Length of the stream. A machine that missed more changes finds them by comparing the whole list. */
export const KEPT_CHANGES = 100_000

/**
 * Writes entries, and merges each with the stored one like `mergeEntries`, because machines may write the same entry at the
 * same time. Of two retirements the first one's overlap remains. A tombstone replaces the stored entry, and an entry replaces a
 * tombstone. KEYS: entries, changes. ARGV: now in seconds, length of the stream, then names and contents alternating.
 */
export const WRITE_SCRIPT = `
local rank = { renewed = 1, logout = 2, revoked = 3, reused = 4 }
local now = tonumber(ARGV[1])
for i = 3, #ARGV, 2 do
  local name = ARGV[i]
  local new = cjson.decode(ARGV[i + 1])
  local raw = redis.call('HGET', KEYS[1], name)
  local known, old = false, nil
  if raw then known, old = pcall(cjson.decode, raw) end
  local changed = true
  if known and type(old) == 'table' and type(old['until']) == 'number' then
    if new.removed then
      changed = not old.removed
    elseif not old.removed and old['until'] > now then
      local reason, before = old.reason or 'revoked', old.before
      if old['until'] > new['until'] then new['until'] = old['until'] end
      if string.sub(name, 1, 4) == 'sub ' then
        if before == nil then new.before = nil
        elseif new.before ~= nil and before > new.before then new.before = before end
      end
      if (rank[reason] or 3) > (rank[new.reason] or 3) then new.reason = reason end
      new.overlap, new.at, new.from = nil, nil, nil
      if new.reason == 'renewed' then new.overlap, new.at, new.from = old.overlap, old.at, old.from end
      changed = new['until'] ~= old['until'] or new.reason ~= reason or new.before ~= before
    end
  end
  if changed then
    redis.call('HSET', KEYS[1], name, cjson.encode(new))
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'entry', name)
  end
end
return 1
`

/** Returns INFO memory. KEYS: entries, to select the node that holds them. */
export const MEMORY_SCRIPT = `return redis.call('INFO', 'memory')`

/** Deletes ended entries that have not changed since they were read. KEYS: entries. ARGV: names and contents alternating. */
export const REMOVE_ENDED_SCRIPT = `
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1
`
