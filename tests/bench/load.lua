-- For wrk: posts the body in a file over and over, as what the second argument says or as
-- JSON, with the third for a token; its last line is for kit.sh:
-- "result REQUESTS_PER_SECOND P50_US P99_US ERRORS".
function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = args[2] or "application/json"
    if args[3] then
        wrk.headers["Authorization"] = "Bearer " .. args[3]
    end
    file:close()
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format("result %.0f %.0f %.0f %d\n",
        summary.requests / summary.duration * 1e6,
        latency:percentile(50), latency:percentile(99),
        e.connect + e.read + e.write + e.status + e.timeout))
end
