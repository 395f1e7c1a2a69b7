// The block list in Redis: its keys, and the two scripts that change them. Described for others in docs/revocation.md.

export interface RedisKeys {
  /** A hash: name of an entry -> its content as JSON. */
  readonly entries: string
  /** A stream: the name of each entry that changed, in the field `entry`. */
  readonly changes: string
}

/**
 * A field of the hash that is no entry: a word drawn by the first machine that found none, and when that was in milliseconds. When it is gone or another one,
 * what Redis had was lost (flushed, evicted, started again without it).
 */
export const MARK = 'mark'

/** The braces keep both on one node of a cluster, so that one script can change them together. */
export function redisKeysOf(prefix: string): RedisKeys {
  return { entries: `${prefix}:{revoked}:entries`, changes: `${prefix}:{revoked}:changes` }
}

/** Changes that are kept: whoever was away for longer finds the rest by comparing the whole. */
export const KEPT_CHANGES = 100_000

/**
 * Writes entries, each merged with the one that is there as `mergeEntries` does it: machines may write the same at the
 * same time; of two retirements the first counts. A mark of removal replaces what is there, and is replaced. KEYS: entries, changes. ARGV: now in seconds, how
 * many changes to keep, then names and contents in turn.
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

/** What Redis says of its memory. KEYS: entries, for the node that has them. */
export const MEMORY_SCRIPT = `return redis.call('INFO', 'memory')`

/** Removes what ended, unless it was changed since it was read. KEYS: entries. ARGV: names and contents in turn. */
export const REMOVE_ENDED_SCRIPT = `
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1
`
