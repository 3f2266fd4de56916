-- For wrk: POST the body that lies in the file named after `--`; print one line of JSON at the end.
function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = file:read("*a")
    file:close()
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'wrk: {"seconds": %.6f, "answers": %d, "refused": %d, "broken": %d, "timeouts": %d, ' ..
        '"p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
        summary.duration / 1e6, summary.requests, errors.status, errors.connect + errors.read + errors.write,
        errors.timeout, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
