/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The scripts by which asynchronous calls go from one state into another.
 *
 * Redis' own clock is the only one, but for the time at which a call was
 * accepted: gateways and workers need not agree.
 */

#include "faas_async.h"


#define TEXT(number)   TEXT_OF(number)
#define TEXT_OF(text)  #text

/* what scripts begin with */
#define NOW                                                                  \
    "local t = redis.call('TIME') "                                          \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "

#define PREFIX                                                               \
    "local p = ARGV[1] "                                                     \
    "local call = p .. 'async:call:' "                                       \
    "local request = p .. 'async:request:' "

/* how long a function's queue is, in the hash of those that are not empty */
#define DEPTH                                                                \
    "local function depth(key) "                                             \
    "  local n = redis.call('XLEN', p .. 'async:q:' .. key) "                \
    "  if n > 0 then redis.call('HSET', p .. 'depth', key, n) "              \
    "  else redis.call('HDEL', p .. 'depth', key) end "                      \
    "  return n "                                                            \
    "end "

/* counts a call in, +1, or out, -1 */
#define COUNT                                                                \
    "local function count(id, by) "                                          \
    "  local size = redis.call('STRLEN', request .. id) "                    \
    "  redis.call('HINCRBY', p .. 'async:totals', 'calls', by) "             \
    "  redis.call('HINCRBY', p .. 'async:totals', 'bytes', by * size) "      \
    "end "

/* what all calls amount to */
#define SUM                                                                  \
    "local function sum(what) "                                              \
    "  return tonumber(redis.call('HGET', p .. 'async:totals', what) or 0) " \
    "end "

/* what the first line of a request says */
#define HEAD                                                                 \
    "local function head(id) "                                               \
    "  return string.match(redis.call('GETRANGE', request .. id, 0, "        \
    "    " TEXT(FAAS_ASYNC_HEAD_MAX) "), "                                   \
    "    '^(%S+) (%d+) (%S+) (%S*) (%d+) (%d+)\\n') "                        \
    "end "

/* what is known of a call, where its request is all there is: is written */
#define OPEN                                                                 \
    HEAD                                                                     \
    "local function open(id) "                                               \
    "  if redis.call('EXISTS', call .. id) == 1 then return end "            \
    "  local f, t, _, u = head(id) "                                         \
    "  if not f then return end "                                            \
    "  redis.call('HSET', call .. id, 'f', f, 't', t, 's', 'queued') "       \
    "  if u ~= '' then redis.call('HSET', call .. id, 'u', u) end "          \
    "end "

/* puts a call into its function's queue, for the first time or again */
#define QUEUE                                                                \
    "local function add(id, key) "                                           \
    "  local e = redis.call('XADD', p .. 'async:q:' .. key, '*', 'c', id) "  \
    "  depth(key) "                                                          \
    "  redis.call('PUBLISH', p .. 'async:bell', key) "                       \
    "  return e "                                                            \
    "end "                                                                   \
    "local function queue(id, key) "                                         \
    "  redis.call('HSET', call .. id, 's', 'queued', 'e', add(id, key)) "    \
    "  redis.call('HDEL', call .. id, 'd') "                                 \
    "end "

/* takes an entry out of a queue, whether a worker has it or not */
#define UNQUEUE                                                              \
    "local function unqueue(key, e) "                                        \
    "  local q = p .. 'async:q:' .. key "                                    \
    "  redis.pcall('XACK', q, 'workers', e) "                                \
    "  redis.call('XDEL', q, e) "                                            \
    "  depth(key) "                                                          \
    "end "

/* for a worker's last step: ends where the call is no longer at its entry */
#define MINE                                                                 \
    "local key, id, e = ARGV[2], ARGV[3], ARGV[4] "                          \
    "if redis.call('HGET', call .. id, 'e') ~= e then "                      \
    "  unqueue(key, e) "                                                     \
    "  return 0 "                                                            \
    "end "                                                                   \
    "unqueue(key, e) "

/* what was asked and answered is of no use any more */
#define STRIP                                                                \
    "redis.call('UNLINK', request .. id) "                                   \
    "redis.call('HDEL', call .. id, 'rb', 'rh', 'd') "

/* what is known of a call, without what was asked */
#define STATE                                                                \
    "open(ARGV[2]) "                                                         \
    "local v = redis.call('HMGET', call .. ARGV[2], 'f', 's', 't', 'n', "    \
    "  'c', 'x', 'd', 'o', 'u', 'k') "                                       \
    "if not v[2] then return {} end "                                        \
    "for i = 1, 10 do v[i] = v[i] or '' end "

/* a dead call is queued anew, as if it had never been tried; or forgotten */
#define REVIVE                                                               \
    "local function revive(id, key, y) "                                     \
    "  redis.call('XDEL', p .. 'async:dead', y) "                            \
    "  redis.call('HDEL', call .. id, 'y', 'o', 'n', 'k', 'c', 'x') "        \
    "  count(id, 1) "                                                        \
    "  queue(id, key) "                                                      \
    "end "

#define PURGE                                                                \
    "local function purge(id, key, y) "                                      \
    "  redis.call('XDEL', p .. 'async:dead', y) "                            \
    "  redis.call('UNLINK', call .. id, request .. id) "                     \
    "end "

/* what an attempt came to */
#define OUTCOME                                                              \
    "redis.call('HSET', call .. id, 'e', '', 'c', ARGV[5], 'x', ARGV[6]) "


const struct faas_script  faas_async_enqueue = { "enqueue",
    PREFIX NOW DEPTH COUNT OPEN QUEUE SUM
    "local key, id, delay = ARGV[2], ARGV[3], tonumber(ARGV[6]) "
    "local same = p .. 'async:same:' .. key .. ':' .. ARGV[9] "
    "if ARGV[9] ~= '' then "
    "  local first = redis.call('GET', same) "
    "  if first then return {'same', first, sum('calls'), sum('bytes')} end "
    "end "
    "if sum('calls') >= tonumber(ARGV[7]) "
    "  or sum('bytes') + #ARGV[5] > tonumber(ARGV[8]) "
    "then return {'full'} end "
    "if redis.call('EXISTS', call .. id, request .. id) ~= 0 then "
    "  id = ARGV[4] "
    "end "
    "redis.call('SET', request .. id, ARGV[5]) "
    "count(id, 1) "
    "if ARGV[9] ~= '' then "
    "  redis.call('SET', same, id, 'PX', ARGV[10]) "
    "end "
    "if delay > 0 then "
    "  open(id) "
    "  redis.call('HSET', call .. id, 's', 'delayed', 'e', '', "
    "    'd', now + delay) "
    "  redis.call('ZADD', p .. 'async:delayed', now + delay, id) "
    "  redis.call('PUBLISH', p .. 'async:bell', '') "
    "else add(id, key) end "
    "return {'ok', id, sum('calls'), sum('bytes')}",
    10 };


const struct faas_script  faas_async_take = { "take",
    PREFIX DEPTH OPEN
    "local key, worker, most = ARGV[2], ARGV[3], tonumber(ARGV[4]) "
    "local q = p .. 'async:q:' .. key "
    "local entries = {} "
    "if ARGV[6] == '1' then "
    /* each looks at ten times as many as it may claim, and no more */
    "  local from = '0-0' "
    "  for _ = 1, 100 do "
    "    local r = redis.pcall('XAUTOCLAIM', q, 'workers', worker, ARGV[5], "
    "      from, 'COUNT', most - #entries) "
    "    if r.err then break end "
    "    for _, entry in ipairs(r[2]) do entries[#entries + 1] = entry end "
    "    from = r[1] "
    "    if from == '0-0' or #entries >= most then break end "
    "  end "
    "end "
    "if #entries < most and redis.call('EXISTS', q) == 1 then "
    "  local read = {'XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', "
    "    most - #entries, 'STREAMS', q, '>'} "
    "  local r = redis.pcall(unpack(read)) "
    "  if r and r.err then "
    "    redis.call('XGROUP', 'CREATE', q, 'workers', '0') "
    "    r = redis.call(unpack(read)) "
    "  end "
    "  if r then "
    "    for _, entry in ipairs(r[1][2]) do "
    "      entries[#entries + 1] = entry "
    "    end "
    "  end "
    "end "
    "local calls = {} "
    "for _, entry in ipairs(entries) do "
    "  local e, id = entry[1], entry[2][2] "
    "  open(id) "
    "  local v = redis.call('HMGET', call .. id, 'e', 's', 'n', 'k', 'rc', "
    "    'rh', 'rb', 'rt') "
    /* a call that was never taken does not know its entry */
    "  if v[1] == e or (not v[1] and v[2] == 'queued') then "
    "    local n = tonumber(v[3] or 0) "
    "    if not v[5] then n = n + 1 end "
    "    redis.call('HSET', call .. id, 's', 'running', 'e', e, 'n', n) "
    "    calls[#calls + 1] = {e, id, redis.call('GET', request .. id) or '', "
    "      n, v[4] or '0', v[5] or '', v[6] or '', v[7] or '', v[8] or ''} "
    "  else "
    "    redis.call('XACK', q, 'workers', e) "
    "    redis.call('XDEL', q, e) "
    "  end "
    "end "
    "local settings = redis.call('HGET', p .. 'async:settings', key) or '' "
    "return {settings, depth(key), calls}",
    6 };


const struct faas_script  faas_async_keep = { "keep",
    "local q = ARGV[1] .. 'async:q:' .. ARGV[2] "
    "local mine = 0 "
    "for i = 4, #ARGV do "
    "  local r = redis.pcall('XPENDING', q, 'workers', ARGV[i], ARGV[i], 1, "
    "    ARGV[3]) "
    "  if not r.err and #r == 1 then "
    "    redis.call('XCLAIM', q, 'workers', ARGV[3], 0, ARGV[i], 'JUSTID') "
    "    mine = mine + 1 "
    "  end "
    "end "
    "return mine",
    4 };


const struct faas_script  faas_async_done = { "done",
    PREFIX NOW DEPTH COUNT UNQUEUE MINE
    "count(id, -1) "
    OUTCOME STRIP
    "redis.call('HSET', call .. id, 's', 'done', 'o', now) "
    "redis.call('PEXPIRE', call .. id, ARGV[7]) "
    "return 1",
    7 };


const struct faas_script  faas_async_retry = { "retry",
    PREFIX NOW DEPTH UNQUEUE MINE
    OUTCOME
    "local due = now + tonumber(ARGV[7]) "
    "if ARGV[8] then "
    "  redis.call('HSET', call .. id, 'rc', ARGV[8], 'rh', ARGV[9], "
    "    'rb', ARGV[10], 'rt', ARGV[11], 'k', ARGV[12]) "
    "end "
    "redis.call('HSET', call .. id, 's', 'retry', 'd', due) "
    "redis.call('ZADD', p .. 'async:delayed', due, id) "
    "redis.call('PUBLISH', p .. 'async:bell', '') "
    "return 1",
    7 };


const struct faas_script  faas_async_back = { "back",
    PREFIX DEPTH UNQUEUE QUEUE MINE
    "if redis.call('HEXISTS', call .. id, 'rc') == 0 then "
    "  redis.call('HINCRBY', call .. id, 'n', -1) "
    "end "
    "queue(id, key) "
    "return 1",
    4 };


const struct faas_script  faas_async_bury = { "bury",
    PREFIX NOW DEPTH COUNT UNQUEUE MINE
    "count(id, -1) "
    OUTCOME
    "local dead = p .. 'async:dead' "
    "local y = redis.call('XADD', dead, '*', 'c', id, 'f', key) "
    "redis.call('HSET', call .. id, 's', 'dead', 'o', now, 'y', y) "
    /* revived, it calls the function again, and not only back */
    "if ARGV[8] == '1' then "
    "  redis.call('HDEL', call .. id, 'rc', 'rh', 'rb', 'rt') "
    "end "
    "while redis.call('XLEN', dead) > tonumber(ARGV[7]) do "
    "  local old = redis.call('XRANGE', dead, '-', '+', 'COUNT', 1)[1] "
    "  redis.call('XDEL', dead, old[1]) "
    "  redis.call('UNLINK', call .. old[2][2], request .. old[2][2]) "
    "end "
    "return 1",
    7 };


const struct faas_script  faas_async_promote = { "promote",
    PREFIX NOW DEPTH QUEUE
    "local delayed = p .. 'async:delayed' "
    "local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', "
    "  0, ARGV[2]) "
    "for _, id in ipairs(due) do "
    "  redis.call('ZREM', delayed, id) "
    "  local key = redis.call('HGET', call .. id, 'f') "
    "  if key then queue(id, key) end "
    "end "
    "local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES') "
    "local wait = -1 "
    "if first[2] then wait = math.max(0, tonumber(first[2]) - now) end "
    "return {#due, wait}",
    2 };


const struct faas_script  faas_async_cancel = { "cancel",
    PREFIX NOW DEPTH COUNT UNQUEUE OPEN
    "local id = ARGV[2] "
    "open(id) "
    "local v = redis.call('HMGET', call .. id, 's', 'f', 'e') "
    "local s = v[1] or '' "
    /* an entry that is not known is passed over when its turn comes */
    "if s == 'queued' then if v[3] then unqueue(v[2], v[3]) end "
    "elseif s == 'delayed' or s == 'retry' then "
    "  redis.call('ZREM', p .. 'async:delayed', id) "
    "else return s end "
    "count(id, -1) "
    STRIP
    "redis.call('HSET', call .. id, 's', 'cancelled', 'e', '', 'o', now) "
    "redis.call('PEXPIRE', call .. id, ARGV[3]) "
    "return s",
    3 };


const struct faas_script  faas_async_state = { "state",
    PREFIX OPEN STATE
    "return v",
    2 };


const struct faas_script  faas_async_show = { "show",
    PREFIX OPEN STATE
    "local f, _, m, _, pl, hl = head(ARGV[2]) "
    "if not f then m, pl, hl = '', 0, 0 end "
    "local size = redis.call('STRLEN', request .. ARGV[2]) "
    "local from = string.find(redis.call('GETRANGE', request .. ARGV[2], 0, "
    "  " TEXT(FAAS_ASYNC_HEAD_MAX) "), '\\n', 1, true) or 0 "
    "local function piece(len) "
    "  len = tonumber(len) "
    "  local text = '' "
    "  if len > 0 then "
    "    text = redis.call('GETRANGE', request .. ARGV[2], from, "
    "      from + len - 1) "
    "  end "
    "  from = from + len "
    "  return text "
    "end "
    "v[#v + 1] = m "
    "v[#v + 1] = piece(pl) "
    "v[#v + 1] = piece(hl) "
    "size = size - from "
    "v[#v + 1] = tostring(size) "
    "v[#v + 1] = '' "
    "if size <= tonumber(ARGV[3]) then v[#v] = piece(size) end "
    "return v",
    3 };


const struct faas_script  faas_async_deads = { "deads",
    PREFIX
    "local from, found, last = '-', {''}, '' "
    "if ARGV[3] ~= '' then from = '(' .. ARGV[3] end "
    /* a filter that nothing passes must not keep Redis busy */
    "local r = redis.call('XRANGE', p .. 'async:dead', from, '+', 'COUNT', "
    "  ARGV[4]) "
    "for _, entry in ipairs(r) do "
    "  last = entry[1] "
    "  local id, key = entry[2][2], entry[2][4] "
    "  if ARGV[2] == '' or ARGV[2] == key then "
    "    local v = redis.call('HMGET', call .. id, 't', 'o', 'n', 'c', 'x') "
    "    found[#found + 1] = {id, key, v[1] or '', v[2] or '', v[3] or '', "
    "      v[4] or '', v[5] or ''} "
    "  end "
    "end "
    "if #r == tonumber(ARGV[4]) then found[1] = last end "
    "return found",
    4 };


const struct faas_script  faas_async_revive = { "revive",
    PREFIX DEPTH COUNT QUEUE REVIVE OPEN
    "open(ARGV[2]) "
    "local v = redis.call('HMGET', call .. ARGV[2], 's', 'f', 'y') "
    "if v[1] == 'dead' then revive(ARGV[2], v[2], v[3]) end "
    "return v[1] or ''",
    2 };


const struct faas_script  faas_async_purge = { "purge",
    PREFIX PURGE OPEN
    "open(ARGV[2]) "
    "local v = redis.call('HMGET', call .. ARGV[2], 's', 'f', 'y') "
    "if v[1] == 'dead' then purge(ARGV[2], v[2], v[3]) end "
    "return v[1] or ''",
    2 };


const struct faas_script  faas_async_sweep = { "sweep",
    PREFIX DEPTH COUNT QUEUE REVIVE PURGE
    "local from, last, n = '-', '', 0 "
    "if ARGV[3] ~= '' then from = '(' .. ARGV[3] end "
    "local r = redis.call('XRANGE', p .. 'async:dead', from, '+', 'COUNT', "
    "  ARGV[4]) "
    "for _, entry in ipairs(r) do "
    "  last = entry[1] "
    "  local id, key = entry[2][2], entry[2][4] "
    "  if ARGV[2] == '' or ARGV[2] == key then "
    "    if ARGV[5] == 'revive' then revive(id, key, last) "
    "    else purge(id, key, last) end "
    "    n = n + 1 "
    "  end "
    "end "
    "if #r < tonumber(ARGV[4]) then last = '' end "
    "return {last, n}",
    5 };


const struct faas_script  faas_async_tick = { "tick",
    PREFIX DEPTH COUNT QUEUE
    "local key, tick, id = ARGV[2], ARGV[3], ARGV[4] "
    "if not redis.call('SET', p .. 'async:tick:' .. key .. ':' .. tick, id, "
    "  'NX', 'EX', 86400) then return 0 end "
    "redis.call('HSET', p .. 'async:ticks', key, tick) "
    "redis.call('SET', request .. id, ARGV[5]) "
    "count(id, 1) "
    "add(id, key) "
    "return 1",
    5 };


const struct faas_script  faas_async_depths = { "depths",
    PREFIX NOW
    "local sums = redis.call('HMGET', p .. 'async:totals', 'calls', 'bytes') "
    "local found = {tonumber(sums[1] or 0), tonumber(sums[2] or 0), "
    "  redis.call('ZCARD', p .. 'async:delayed'), "
    "  redis.call('XLEN', p .. 'async:dead')} "
    "local n = 0 "
    "local d = redis.call('HGETALL', p .. 'depth') "
    "for i = 1, #d, 2 do "
    "  if n >= tonumber(ARGV[2]) then break end "
    "  n = n + 1 "
    "  local r = redis.call('XRANGE', p .. 'async:q:' .. d[i], '-', '+', "
    "    'COUNT', 1) "
    "  local age = 0 "
    "  if r[1] then "
    "    age = math.max(0, now - tonumber(string.match(r[1][1], '^%d+'))) "
    "  end "
    "  found[#found + 1] = {d[i], tonumber(d[i + 1]), age} "
    "end "
    "return found",
    2 };
