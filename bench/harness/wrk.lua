-- The load: requests that cycle through the tokens of a file, and the result as one line of JSON.
local tokens, paths = {}, {}
for line in io.lines(os.getenv("BENCH_TOKENS")) do tokens[#tokens + 1] = line end
for path in os.getenv("BENCH_PATHS"):gmatch("%S+") do paths[#paths + 1] = path end
local method = os.getenv("BENCH_METHOD")
local size = tonumber(os.getenv("BENCH_BODY_BYTES"))
local body = size > 0 and string.rep("x", size) or nil
local requests, count, at = {}, math.max(#tokens, #paths), 0

function init()
  for index = 1, count do
    local token = tokens[(index - 1) % #tokens + 1]
    local path = paths[(index - 1) % #paths + 1]
    requests[index] = wrk.format(method, path, { ["Authorization"] = "Bearer " .. token }, body)
  end
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"bytes":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d,"longest":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
