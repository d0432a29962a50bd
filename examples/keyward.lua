-- The action `lua.keyward URL`: asks keyward at URL whether the request may pass, and adds who it is from.

-- Where a key may be; keyward gets nothing else of the request.
local KEY = { "authorization", "x-api-key", "apikey" }
local IDENTITY = { "x-key-id", "x-key-user", "x-key-level", "x-key-keyspace", "x-key-expires", "x-key-remaining" }
-- What a client that was refused needs to know.
local REFUSAL = {
    "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "content-type", "cache-control", "allow",
}
local TIMEOUT_MS = 2000
local RETRY_AFTER_SECONDS = "2"

local function refuse(txn, status, headers, body)
    local reply = txn:reply({ status = status, body = body })
    for _, name in ipairs(REFUSAL) do
        for _, value in pairs(headers[name] or {}) do
            reply:add_header(name, value)
        end
    end
    txn:done(reply)
end

core.register_action("keyward", { "http-req" }, function(txn, url)
    local came = txn.http:req_get_headers()
    local headers = {
        ["x-forwarded-for"] = { txn.f:src() },
        ["x-forwarded-uri"] = { txn.f:url() },
        -- ["x-service-key"] = { "..." },   -- when keyward listens beyond loopback
    }
    for _, name in ipairs(KEY) do
        for _, value in pairs(came[name] or {}) do
            headers[name] = headers[name] or {}
            table.insert(headers[name], value)
        end
    end

    local answer = core.httpclient():get({ url = url, headers = headers, timeout = TIMEOUT_MS })
    if answer.status == 200 then
        for _, name in ipairs(IDENTITY) do
            local value = (answer.headers[name] or {})[0]
            if value and value ~= "" then
                txn.http:req_set_header(name, value)
            end
        end
    elseif answer.status >= 400 and answer.status < 500 then
        refuse(txn, answer.status, answer.headers, answer.body)
    else
        -- No answer, or one that decides nothing: no request passes.
        refuse(txn, 503, { ["retry-after"] = { RETRY_AFTER_SECONDS }, ["cache-control"] = { "no-store" } }, "")
    end
end, 1)
