-- Asks for the lines of the file PATHS in turn, and tells what wrk measured in one line.
local paths = {}
for line in io.lines(os.getenv("PATHS")) do
   paths[#paths + 1] = line
end
local at = 0

request = function()
   at = at % #paths + 1
   return wrk.format("GET", paths[at])
end

done = function(summary, latency)
   local errors = summary.errors
   local lost = errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99), errors.status + lost))
end
