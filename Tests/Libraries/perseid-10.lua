#!lua name=perseid

-- Perseid's function library: each multi-step change of a channel or a session as one atomic call.
--
-- Keys of the channel "news", one hash slot by their tag. The prefix is the nodes' own, `perseid` unless they were told
-- another; in a database other than 0 its number stands behind it (`perseid@3:{news}`), for pub/sub knows no databases.
--   perseid:{news}                stream of its publications, and the name they are published under
--   perseid:{news}:head           its newest position; outlives the stream
--   perseid:{news}:once:<key>     the position a publish with this idempotency key got
--   perseid:{news}:counts         subscribers by node: "<count> <lease end in milliseconds>"
--   perseid:{news}:presence       members by the end of their lease in milliseconds (sorted set)
--   perseid:{news}:members        of each member: "<node> <transport> <milliseconds since>", and behind that what its node
--                                 tells of who it is, as a JSON object, if anything
--
-- In a channel's name and an idempotency key "%", "{" and "}" are written %25, %7B and %7D: the tag is whole, and no name
-- reaches another's keys.
--
-- Key of a session:
--   perseid:session:{<id>}        secret (its hash), fence, node (empty while no connection holds it), and for each
--                                 subscription a field "@<channel>" with the position its client certainly has; "@" alone
--                                 holds what its transport notes of it
--
-- Wills: what each node leaves for the case that it dies, where a backend is to hear who is gone.
--   perseid:will:{wills}          wills by the end of their lease in milliseconds (sorted set); "!" stands before one that a
--                                 node carries out, whose author is gone
--   perseid:will:{wills}:<will>   its entries, a reader each (sorted set; all of one score, so they are in the order of their bytes)
--
-- A node hears on "perseid:node:<id>" which of its sessions were taken over, and what others answer it. The key of that name says who
-- lives by it. All nodes hear on "perseid:nodes" what they are asked and which tokens were taken back; "perseid:revoked" has these
-- by their end (sorted set of "<milliseconds> <target>").
--
-- Key of what a user or an API key had of something that is limited in the cluster, by a hash of its name:
--   perseid:rate:<limit>:<hash>   when there is all of it again, in microseconds since 1970; goes by itself then
--
-- Any client publishes with: FCALL perseid_publish 1 'perseid:{news}' '{"title":"hello"}'
--
-- In a Redis Cluster what is published is told by SPUBLISH, at the master that has the channel; patterns, presence and what nodes say to
-- each other by PUBLISH, which the whole cluster hears. Nodes name all keys that a function touches there, behind the one that it is
-- about: so a call in the midst of a slot's way to another master does all or nothing.
--
-- Anybody may write to Redis. What is here and cannot be what was written here is told as "BROKEN <kind> in <key>" before
-- anything is changed; that key alone is of no use until somebody mends it.

local VERSION = 10

-- Defaults for callers that name no options. Nodes have the same ones and name only what was set otherwise.
local HISTORY_COUNT = 100
local HISTORY_MILLISECONDS = 300000
local HEAD_MILLISECONDS = 86400000
local ONCE_MILLISECONDS = 300000

-- What a publication takes of an answer's room beside its payload, as nodes count it.
local ENTRY_BYTES = 128

-- Nothing follows it, and Redis refuses to be asked what does.
local GREATEST = '18446744073709551615-18446744073709551615'

-- Subscriptions that a session has at most; the fields it has besides.
local SUBSCRIPTIONS_MAX = 1024
local SESSION_FIELDS = 3

-- Up to here Lua counts whole numbers exactly. No clock and no count of ours goes so far.
local EXACT = 9007199254740991

-- A will that nobody renews or carries out is gone after a day.
local WILL_MILLISECONDS = 86400000

-- A hundred years.
local MILLISECONDS_MAX = 3153600000000

-- First byte of a published message with a header. No UTF-8 text begins with it, so nothing else is taken for one.
local MAGIC = '\192'

local function now_milliseconds()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The number in a text of digits, or nothing.
local function whole(text, least, most)
  local number = text and string.match(text, '^%d+$') and tonumber(text)
  if number and number >= least and number <= most then return number end
end

local function refuse_broken(kind, key)
  error(redis.error_reply('BROKEN ' .. kind .. ' in ' .. key))
end

-- The two numbers of a position, or nothing.
local function read_position(position)
  local milliseconds, sequence = string.match(position, '^(%d+)%-(%d+)$')
  milliseconds, sequence = whole(milliseconds, 0, EXACT), whole(sequence, 0, EXACT)
  if sequence then return milliseconds, sequence end
end

local ESCAPES = { ['%'] = '%25', ['{'] = '%7B', ['}'] = '%7D' }

local function encode(text)
  return (string.gsub(text, '[%%{}]', ESCAPES))
end

-- Whether this is a channel's key.
local function is_channel(key)
  local name = string.match(key, '^[%w._@-]+:{([^{}]+)}$')
  if not name or not string.find(name, '%', 1, true) then return name ~= nil end
  return not string.find(string.gsub(string.gsub(name, '%%25', ''), '%%7[BD]', ''), '%', 1, true)
end

local KINDS = { json = 'j', text = 't', binary = 'b', auto = 'a' }

-- What each option may be, and how it is read.
local OPTIONS = {
  TYPE = { 'json, text, binary or auto', function(text) return KINDS[text] end },
  ONCE = { 'at least a byte', function(text) return text ~= '' and encode(text) or nil end },
  HISTORY = { 'a count', function(text) return whole(text, 0, EXACT) end },
  TTL = { 'milliseconds', function(text) return whole(text, 0, MILLISECONDS_MAX) end },
  HEADTTL = { 'milliseconds, at least 1', function(text) return whole(text, 1, MILLISECONDS_MAX) end },
  ONCETTL = { 'milliseconds, at least 1', function(text) return whole(text, 1, MILLISECONDS_MAX) end },
}

-- The options after the payload: name, value, name, value; names in any case.
local function read_options(args, first)
  local options = {}
  for index = first, #args, 2 do
    local name, text = args[index], args[index + 1]
    if not OPTIONS[name] then name = string.upper(name) end
    local option = OPTIONS[name]
    if not option then return nil, redis.error_reply('ERR there is no option ' .. args[index]) end
    if text == nil then return nil, redis.error_reply('ERR option ' .. name .. ' needs a value') end
    options[name] = option[2](text)
    if options[name] == nil then return nil, redis.error_reply('ERR option ' .. name .. ' must be ' .. option[1]) end
  end
  return options
end

-- First byte of what is published under a pattern: the channel's key follows, a line feed, and what the channel's readers got.
local PATTERN_MAGIC = '\193'

-- Patterns that somebody hears, by the names they are published under. It lives as long as this library is loaded in this process:
-- a node that begins to hear a pattern says so when it looks for its channels (`perseid_find`), again after each loss of its link. What
-- nobody hears any more is forgotten with the first publication that finds nobody. Nothing until it is first asked for, for the library
-- may have been loaded anew under nodes that hear some.
local heard_patterns = nil

-- Whether this is a node of a Redis Cluster; nothing until it is first asked. A user that may not ask is taken for one that is none.
local clustered = nil

local function is_clustered()
  if clustered == nil then
    local name = redis.pcall('CLUSTER', 'MYID')
    clustered = type(name) == 'string'
  end
  return clustered
end

-- In a cluster nobody here knows whether somebody hears a pattern elsewhere: so nodes say that they still do (`perseid_hear`), and it is
-- forgotten when none has for so long.
local HEARD_SECONDS = 90

-- Beyond so many it is learnt anew: those that are heard no longer and were never published to are forgotten with that.
local HEARD_MAX = 100000
local heard_count = 0

-- How many of them begin so: with the first segment, or, those of one segment, with what stands before it. Most channels have nothing in
-- common with any pattern, and are done with one look.
local heard_starts = {}

local function start_of(name)
  return string.match(name, '^[^/]*/') or string.match(name, '^[^{]*{')
end

local function count_pattern(name, step)
  local start = start_of(name)
  local count = (heard_starts[start] or 0) + step
  heard_starts[start] = count > 0 and count or nil
  heard_count = heard_count + step
end

local function note_pattern(name)
  local is_new = not heard_patterns[name]
  heard_patterns[name] = is_clustered() and tonumber(redis.call('TIME')[1]) or 0
  if is_new then count_pattern(name, 1) end
end

-- A user that may not ask learns of those that say so.
local function learn_patterns()
  heard_patterns, heard_starts, heard_count = {}, {}, 0
  local names = redis.pcall('PUBSUB', 'CHANNELS', '*{*[*]}')
  if names.err then return end
  for _, name in ipairs(names) do note_pattern(name) end
end

local function tell_pattern(name, key, message)
  if not heard_patterns[name] then return end
  local heard = redis.call('PUBLISH', name, PATTERN_MAGIC .. key .. '\n' .. message)
  if is_clustered() then heard = heard_patterns[name] + HEARD_SECONDS - tonumber(redis.call('TIME')[1]) end
  if heard <= 0 then
    heard_patterns[name] = nil
    count_pattern(name, -1)
  end
end

-- Tells those who hear a pattern that stands for a channel: `a/*`, `a/**` and `**` for `a/b`.
local function tell_patterns(key, message)
  if not heard_patterns then learn_patterns() end
  if next(heard_patterns) == nil then return end
  local prefix, name = string.match(key, '^([^{]*{)(.*)}$')
  if not heard_starts[prefix] and not heard_starts[start_of(key)] then return end
  local base = string.match(name, '^(.*/)') or ''
  tell_pattern(prefix .. base .. '*}', key, message)
  tell_pattern(prefix .. base .. '**}', key, message)
  while base ~= '' do
    base = string.match(base, '^(.*/)[^/]*/$') or ''
    tell_pattern(prefix .. base .. '**}', key, message)
  end
end

-- Whether a name stands for several channels.
local function is_pattern(key)
  return string.byte(key, -2) == 42 and string.find(key, '[{/]%*%*?}$') ~= nil
end

-- The newest position that the stream still has.
local function last_entry(key)
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  if last[1] then return last[1][1] end
  return '0-0'
end

local function newest(key)
  local position = redis.call('GET', key .. ':head') or last_entry(key)
  if not read_position(position) then refuse_broken('head', key .. ':head') end
  return position
end

-- The position after another one: the clock's, unless the clock stands still or went back.
local function successor(previous, milliseconds)
  local last_milliseconds, last_sequence = read_position(previous)
  if milliseconds > last_milliseconds then return string.format('%.0f-0', milliseconds) end
  return string.format('%.0f-%.0f', last_milliseconds, last_sequence + 1)
end

-- Whether the first of two positions comes after the second. As text this is wrong for some of one millisecond, and
-- only ever in saying no; so numbers are compared only then.
local function follows(position, previous)
  if position > previous and #position == #previous then return true end
  local milliseconds, sequence = read_position(position)
  local previous_milliseconds, previous_sequence = read_position(previous)
  if not milliseconds then return false end
  if milliseconds ~= previous_milliseconds then return milliseconds > previous_milliseconds end
  return sequence > previous_sequence
end

-- Appends to the stream; returns the position. Redis gives each entry a later id than the one before, but knows nothing of
-- those before a stream that has lapsed; the head does, should the clock have gone back since.
local function append(key, count, previous, kind, payload)
  local position = redis.call('XADD', key, 'MAXLEN', count, '*', 'v', previous, 't', kind, 'p', payload)
  if follows(position, previous) then return position end
  redis.call('XDEL', key, position)
  position = successor(previous, 0)
  return redis.call('XADD', key, 'MAXLEN', count, position, 'v', previous, 't', kind, 'p', payload)
end

-- Ages are kept to the second, so what concerns them is done once in a channel's second and not with each publish.
local function forget_old(key, position, previous, lifetime)
  local milliseconds = string.match(position, '^%d+')
  if string.sub(previous, 1, #milliseconds - 3) == string.sub(milliseconds, 1, -4) then return end
  redis.call('XTRIM', key, 'MINID', string.format('%.0f', math.max(tonumber(milliseconds) - lifetime, 0)))
  redis.call('PEXPIRE', key, lifetime + 1000)
end

-- KEYS: channel [its head, its idempotency key]. ARGS: payload [TYPE json|text|binary|auto] [ONCE key] [HISTORY count] [TTL ms] [HEADTTL ms]
-- [ONCETTL ms]. Returns the position. All that can be wrong is found out before anything is written.
local function publish(keys, args)
  local key, payload = keys[1], args[1]
  if #keys == 0 or payload == nil then
    return redis.error_reply('ERR perseid_publish takes a channel key and a payload')
  end
  if not is_channel(key) then
    return redis.error_reply('ERR ' .. key .. ' is not a key such as perseid:{news}, with %, { and } as %25, %7B and %7D')
  end
  if is_pattern(key) then return redis.error_reply('ERR ' .. key .. ' stands for several channels') end
  local options, failure = read_options(args, 2)
  if failure then return failure end

  local once = options.ONCE and (key .. ':once:' .. options.ONCE)
  if once then
    local known = redis.call('GET', once)
    if known and not read_position(known) then refuse_broken('idempotency key', once) end
    if known then return known end
  end

  local previous, position = newest(key), nil
  local kind = options.TYPE or 'a'
  local count = options.HISTORY or HISTORY_COUNT
  local lifetime = options.TTL or HISTORY_MILLISECONDS
  if count > 0 and lifetime > 0 then
    position = append(key, count, previous, kind, payload)
    forget_old(key, position, previous, lifetime)
  else
    position = successor(previous, now_milliseconds())
  end
  redis.call('SET', key .. ':head', position, 'PX', options.HEADTTL or HEAD_MILLISECONDS)
  if once then redis.call('SET', once, position, 'PX', options.ONCETTL or ONCE_MILLISECONDS) end
  local message = MAGIC .. position .. ' ' .. previous .. ' ' .. kind .. '\n' .. payload
  redis.call(is_clustered() and 'SPUBLISH' or 'PUBLISH', key, message)
  tell_patterns(key, message)
  return position
end

-- A stream's entry as { position, previous, type, payload }.
local function read_entry(entry)
  local fields = {}
  for index = 1, #entry[2], 2 do fields[entry[2][index]] = entry[2][index + 1] end
  return { entry[1], fields.v or '0-0', fields.t or 'a', fields.p or '' }
end

-- Entries behind a position, or from the newest backwards. Read in steps that double, so that little is read beyond the
-- count and the bytes there is room for, of which a single entry may take more. Also returns whether there are others.
local function read_entries(key, since, count, bytes)
  local entries, used, step, bound = {}, 0, 8, since and '(' .. since or '+'
  if since == GREATEST then return entries, false end
  while true do
    step = math.min(step, count - #entries + 1)
    local some = since and redis.call('XRANGE', key, bound, '+', 'COUNT', step)
      or redis.call('XREVRANGE', key, bound, '-', 'COUNT', step)
    for _, raw in ipairs(some) do
      local entry = read_entry(raw)
      used = used + #entry[4] + ENTRY_BYTES
      if #entries == count or #entries > 0 and used > bytes then return entries, true end
      entries[#entries + 1] = entry
    end
    if #some < step then return entries, false end
    bound = '(' .. some[#some][1]
    if some[#some][1] == GREATEST or some[#some][1] == '0-0' then return entries, false end
    step = step * 2
  end
end

-- KEYS: channel. ARGS: position or '' for all, limit [bytes]. Returns the head, then each publication as
-- { position, previous, type, payload }, oldest first, then 'more' if there are others that had no room. Without a position
-- the newest are meant.
local function history(keys, args)
  local key, since, limit = keys[1], args[1], tonumber(args[2])
  -- Nothing is published under a pattern; it stands at the moment.
  if is_pattern(key) then return { string.format('%.0f-0', now_milliseconds() - 1) } end
  local reply = { newest(key) }
  -- Only the head is wanted.
  if limit == 0 then return reply end
  local entries, has_more = read_entries(key, since ~= '' and since or nil, limit, tonumber(args[3] or math.huge))
  local first, last, step = 1, #entries, 1
  if since == '' then first, last, step = #entries, 1, -1 end
  for index = first, last, step do reply[#reply + 1] = entries[index] end
  if has_more then reply[#reply + 1] = 'more' end
  return reply
end

-- What two names begin with.
local function common_start(left, right)
  local length = math.min(#left, #right)
  for index = 1, length do
    if string.byte(left, index) ~= string.byte(right, index) then return string.sub(left, 1, index - 1) end
  end
  return string.sub(left, 1, length)
end

-- Whether one of some patterns stands for a channel, all as in keys.
local function is_meant(patterns, name)
  local base = string.match(name, '^(.*/)') or ''
  if patterns[base .. '*'] or patterns[base .. '**'] then return true end
  while base ~= '' do
    base = string.match(base, '^(.*/)[^/]*/$') or ''
    if patterns[base .. '**'] then return true end
  end
  return false
end

-- ARGS: prefix, pattern as in a key, cursor of a scan, keys to look at [further patterns]. The patterns are told from now on what
-- is published. Returns the next cursor, the time in milliseconds, and for each channel that was found its name as in a key and its
-- head. A channel may be found twice.
local function find(keys, args)
  local prefix, patterns, start = args[1], {}, nil
  if not heard_patterns or heard_count > HEARD_MAX then learn_patterns() end
  for index = 2, #args do
    if index == 2 or index > 4 then
      local pattern = args[index]
      patterns[pattern] = true
      note_pattern(prefix .. ':{' .. pattern .. '}')
      local base = string.match(pattern, '^(.-)%*%*?$')
      start = start and common_start(start, base) or base
    end
  end
  local escaped = string.gsub(prefix .. ':{' .. start, '[%[%]%*%?%^%-\\]', '\\%0')
  -- A user that may not look finds nothing: what is published from now on is heard all the same.
  local page = redis.pcall('SCAN', args[3], 'MATCH', escaped .. '*}:head', 'COUNT', args[4])
  if page.err then page = { '0', {} } end
  local reply = { page[1], string.format('%.0f', now_milliseconds()) }
  for _, key in ipairs(page[2]) do
    local name = string.match(key, '^[^{]*{(.*)}:head$')
    local head = name and is_meant(patterns, name) and redis.call('GET', key)
    if head and read_position(head) then
      reply[#reply + 1] = name
      reply[#reply + 1] = head
    end
  end
  return reply
end

-- ARGS: prefix, then patterns as in a key, which somebody still hears.
local function hear(keys, args)
  if not heard_patterns then learn_patterns() end
  for index = 2, #args do note_pattern(args[1] .. ':{' .. args[index] .. '}') end
  return #args - 1
end

-- KEYS: channel. ARGS: node, subscribers, lease in milliseconds. A node with none is forgotten at once.
local function count(keys, args)
  local key, node, subscribers, lease = keys[1] .. ':counts', args[1], tonumber(args[2]), tonumber(args[3])
  if subscribers == 0 then
    redis.call('HDEL', key, node)
  else
    redis.call('HSET', key, node, string.format('%d %.0f', subscribers, now_milliseconds() + lease))
    redis.call('PEXPIRE', key, lease)
  end
  return subscribers
end

-- KEYS: channel. Returns subscribers on all nodes, nodes that have any, and the head. Lapsed leases do not count.
local function describe(keys, args)
  local now = now_milliseconds()
  local counts = redis.call('HGETALL', keys[1] .. ':counts')
  local subscribers, nodes = 0, 0
  for index = 2, #counts, 2 do
    local held, lease_end = string.match(counts[index], '^(%d+) (%d+)$')
    held, lease_end = whole(held, 0, EXACT), whole(lease_end, 0, EXACT)
    if not held or not lease_end or subscribers + held > EXACT then refuse_broken('counts', keys[1] .. ':counts') end
    if lease_end > now then
      subscribers = subscribers + held
      nodes = nodes + 1
    end
  end
  return { subscribers, nodes, newest(keys[1]) }
end

-- Presence. Joins and leaves are told on the channel "$presence/<name>", to who hears it at that moment.

-- What is kept of a member: its node, its transport, since when, and what its node tells of who it is, if anything.
local function read_facts(facts)
  local node, transport, since, details = string.match(facts, '^([%w._-]+) (%l+) ([1-9]%d*)(.*)$')
  if details == '' then return node, transport, since end
  details = node and string.match(details, '^ ({.+})$')
  if details then return node, transport, since, details end
end

local function tell_presence(key, event, member, facts)
  local node, transport, since, details = read_facts(facts)
  -- What nobody of Perseid wrote is not told.
  if not node or not string.match(member, '^%x+$') then return end
  redis.call('PUBLISH', (string.gsub(key, '{', '{$presence/', 1)),
    '{"event":"' .. event .. '","id":"' .. member .. '","node":"' .. node .. '","transport":"' .. transport ..
    '","since":' .. since .. (details and ',' .. string.sub(details, 2) or '}'))
end

local function remove_member(key, member)
  local facts = redis.call('HGET', key .. ':members', member)
  redis.call('ZREM', key .. ':presence', member)
  redis.call('HDEL', key .. ':members', member)
  if facts then tell_presence(key, 'leave', member, facts) end
end

local function put_member(key, member, node, transport, details, now, lease)
  local known = redis.call('HGET', key .. ':members', member)
  local since = known and select(3, read_facts(known)) or string.format('%.0f', now)
  local facts = node .. ' ' .. transport .. ' ' .. since .. (details and ' ' .. details or '')
  redis.call('HSET', key .. ':members', member, facts)
  redis.call('ZADD', key .. ':presence', string.format('%.0f', now + lease), member)
  if not known then tell_presence(key, 'join', member, facts) end
end

-- Members whose node was killed are gone with their lease. A few at a time: the rest is found by the next call.
local function sweep_members(key, now)
  local lapsed = redis.call('ZRANGEBYSCORE', key .. ':presence', '-inf', string.format('%.0f', now), 'LIMIT', 0, 100)
  for _, member in ipairs(lapsed) do remove_member(key, member) end
end

local function keep_members(key, lease)
  redis.call('PEXPIRE', key .. ':presence', 2 * lease)
  redis.call('PEXPIRE', key .. ':members', 2 * lease)
end

-- KEYS: channel. ARGS: lease in milliseconds, node, member, transport [what is told of who it is, as a JSON object].
local function enter(keys, args)
  local key, lease, now = keys[1], tonumber(args[1]), now_milliseconds()
  sweep_members(key, now)
  put_member(key, args[3], args[2], args[4], args[5], now, lease)
  keep_members(key, lease)
  return 1
end

-- KEYS: channel. ARGS: lease in milliseconds, node, then member and transport in turn; none of them only ends what lapsed.
-- Returns the members that are another node's now; then, behind an empty name, those that are not there, and that their node has to
-- enter anew.
local function renew(keys, args)
  local key, lease, node, now = keys[1], tonumber(args[1]), args[2], now_milliseconds()
  local lost, missing = {}, {}
  for index = 3, #args - 1, 2 do
    local member = args[index]
    local facts = redis.call('HGET', key .. ':members', member)
    if not facts then
      missing[#missing + 1] = member
    elseif string.match(facts, '^%S+') ~= node then
      lost[#lost + 1] = member
    else
      redis.call('ZADD', key .. ':presence', string.format('%.0f', now + lease), member)
    end
  end
  sweep_members(key, now)
  if #args > 2 then keep_members(key, lease) end
  if missing[1] then
    lost[#lost + 1] = ''
    for _, member in ipairs(missing) do lost[#lost + 1] = member end
  end
  return lost
end

-- KEYS: channel. ARGS: node, member. Another node's member stays.
local function leave(keys, args)
  local facts = redis.call('HGET', keys[1] .. ':members', args[2])
  if not facts or string.match(facts, '^%S+') ~= args[1] then return 0 end
  remove_member(keys[1], args[2])
  return 1
end

-- KEYS: channel. ARGS: limit [details]. Returns how many are present, then for each of the first of them its name and its facts;
-- who it is only with `details`: nodes of before know no facts with them.
local function presence(keys, args)
  local now = string.format('%.0f', now_milliseconds())
  local reply = { redis.call('ZCOUNT', keys[1] .. ':presence', '(' .. now, '+inf') }
  local members = redis.call('ZRANGEBYSCORE', keys[1] .. ':presence', '(' .. now, '+inf', 'LIMIT', 0, tonumber(args[1]))
  for _, member in ipairs(members) do
    local facts = redis.call('HGET', keys[1] .. ':members', member) or ''
    if args[2] ~= 'details' then facts = string.match(facts, '^%S+ %S+ %S+') or '' end
    reply[#reply + 1] = member
    reply[#reply + 1] = facts
  end
  return reply
end

-- Sessions. Every write carries the fence it was attached with and the node that has it; one that is older than the
-- session's is refused, and so is an equal one of another node: two nodes never both own a session. A newer one than the
-- session's own means that Redis lost a take-over; it is right. Fences are drawn from the clock, so that the next take-over
-- does not draw the lost one again; should the clock be behind as well, the node tells them apart.

local function read_fence(key)
  local text = redis.call('HGET', key, 'fence')
  local fence = whole(text or nil, 0, EXACT)
  if text and not fence then refuse_broken('fence', key) end
  return fence
end

-- Whether a write to a session that has this fence is refused.
local function is_stale(key, known, fence, node)
  return known > fence or known == fence and redis.call('HGET', key, 'node') ~= node
end

-- As long for a difference at the end as for one at the beginning.
local function is_same(left, right)
  if #left ~= #right then return false end
  local difference = 0
  for index = 1, #left do
    difference = bit.bor(difference, bit.bxor(string.byte(left, index), string.byte(right, index)))
  end
  return difference == 0
end

-- Subscriptions, as channel and position in turn; an empty position ends one. Those for which a session has no room are
-- not kept. What is noted of a session stands among them, without a channel.
local function write_positions(key, args, first)
  if first > #args then return end
  local notes = redis.call('HGET', key, '@') and 1 or 0
  local room = SUBSCRIPTIONS_MAX + SESSION_FIELDS + notes - redis.call('HLEN', key)
  for index = first, #args - 1, 2 do
    local field = '@' .. args[index]
    if field == '@' then
      redis.call('HSET', key, field, args[index + 1])
    elseif args[index + 1] == '' then
      room = room + redis.call('HDEL', key, field)
    elseif room > 0 or redis.call('HGET', key, field) then
      room = room - redis.call('HSET', key, field, args[index + 1])
    end
  end
end

-- KEYS: session. ARGS: hash of the secret, fence, node, lifetime in milliseconds, then positions. Returns whether it is
-- this node's now: 1, or 0 if another has it.
local function session_open(keys, args)
  local key, known = keys[1], read_fence(keys[1])
  if known and is_stale(key, known, tonumber(args[2]), args[3]) then return 0 end
  redis.call('HSET', key, 'secret', args[1], 'fence', args[2], 'node', args[3])
  redis.call('PEXPIRE', key, args[4])
  write_positions(key, args, 5)
  return 1
end

-- KEYS: session. ARGS: hash of the secret, node, lifetime in milliseconds [why]. Returns nothing if there is no such session or
-- the secret is another; else the new fence and the positions. The node that held it is told, and why: to hold it (`attach`), or
-- for a `visit`, or to `end` it.
local function session_resume(keys, args)
  local key, node = keys[1], args[2]
  local fields = redis.call('HGETALL', key)
  local session, reply = {}, { 0 }
  for index = 1, #fields, 2 do
    local name, value = fields[index], fields[index + 1]
    if string.sub(name, 1, 1) == '@' then
      reply[#reply + 1] = string.sub(name, 2)
      reply[#reply + 1] = value
    else
      session[name] = value
    end
  end
  if not session.secret or not is_same(session.secret, args[1]) then return false end
  local known, time = whole(session.fence, 0, EXACT), redis.call('TIME')
  if not known then refuse_broken('fence', key) end
  local fence = string.format('%.0f', math.max(known + 1, tonumber(time[1]) * 1000000 + tonumber(time[2])))
  reply[1] = tonumber(fence)
  redis.call('HSET', key, 'fence', fence, 'node', node)
  redis.call('PEXPIRE', key, args[3])
  if (session.node or '') ~= '' then
    local prefix, id = string.match(key, '^(.*):session:{(.*)}$')
    local why = args[4] and args[4] ~= 'attach' and ' ' .. args[4] or ''
    redis.call('PUBLISH', prefix .. ':node:' .. session.node, 'taken ' .. id .. ' ' .. fence .. why)
  end
  return reply
end

-- KEYS: session. ARGS: hash of the secret, lifetime in milliseconds. Returns what is noted of the session, which is kept for so
-- long at least, or nothing if there is no such session.
local function session_touch(keys, args)
  local secret = redis.call('HGET', keys[1], 'secret')
  if not secret or not is_same(secret, args[1]) then return false end
  redis.call('PEXPIRE', keys[1], args[2], 'GT')
  return redis.call('HGET', keys[1], '@') or ''
end

-- Writes as the owner that a session is to have; an empty one has let go of it.
local function write_session(keys, args, owner)
  local key, known, fence, node = keys[1], read_fence(keys[1]), tonumber(args[1]), args[2]
  if not known then return -1 end
  if is_stale(key, known, fence, node) then return 0 end
  if args[3] == '0' then
    redis.call('DEL', key)
    return 1
  end
  redis.call('HSET', key, 'fence', args[1], 'node', owner)
  redis.call('PEXPIRE', key, args[3])
  write_positions(key, args, 4)
  return 1
end

-- KEYS: session. ARGS: fence, node, lifetime in milliseconds or 0 to end it, then positions. Returns 1, or 0 if another has
-- the session, or -1 if there is no such session.
local function session_save(keys, args)
  return write_session(keys, args, args[2])
end

-- The same for the last write of a node that lets go of it.
local function session_detach(keys, args)
  return write_session(keys, args, '')
end

-- KEYS: a node's. ARGS: incarnation, facts as JSON that name it, lease in milliseconds. Returns 1, or 0 if another process
-- lives by this name: it still hears the channel that only it listens to.
local function live(keys, args)
  local other = string.match(redis.call('GET', keys[1]) or '', '"incarnation":"(%w+)"')
  if other and other ~= args[1] and redis.call('PUBLISH', keys[1] .. ':' .. other, 'alive') > 0 then return 0 end
  redis.call('SET', keys[1], args[2], 'PX', args[3])
  return 1
end

-- Wills. A node renews the lease of its own; one whose lease has ended is carried out by the first that looks, which has the same lease
-- for that. A will that is carried out is never its author's again: if that lives, it begins another in its place.

-- Renews the lease of a will, if it is there by that name; says whether.
local function renew_will(key, name, lease)
  if redis.call('ZREM', key, name) == 0 then return false end
  redis.call('ZADD', key, string.format('%.0f', now_milliseconds() + tonumber(lease)), name)
  redis.call('PEXPIRE', key, WILL_MILLISECONDS)
  return true
end

-- Takes a will back, also from who carries it out: its author lives.
local function drop_will(key, will, name)
  redis.call('ZREM', key, name, '!' .. name)
  redis.call('DEL', will)
end

-- KEYS: wills, a will, the one before it. ARGS: lease in milliseconds, name, name of the one before, or nothing.
local function will_open(keys, args)
  if args[3] ~= '' then drop_will(keys[1], keys[3], args[3]) end
  redis.call('ZADD', keys[1], string.format('%.0f', now_milliseconds() + tonumber(args[1])), args[2])
  redis.call('PEXPIRE', keys[1], WILL_MILLISECONDS)
  return 1
end

-- KEYS: wills, a will. ARGS: name.
local function will_drop(keys, args)
  drop_will(keys[1], keys[2], args[1])
  return 1
end

-- KEYS: wills, a will. ARGS: lease in milliseconds, name, then entries: "+" before what is added, "-" before what is taken away.
-- Returns 1, or 0 if another node carries it out.
local function will_write(keys, args)
  if not renew_will(keys[1], args[2], args[1]) then return 0 end
  for index = 3, #args do
    local entry = string.sub(args[index], 2)
    if string.sub(args[index], 1, 1) == '+' then
      redis.call('ZADD', keys[2], 0, entry)
    else
      redis.call('ZREM', keys[2], entry)
    end
  end
  redis.call('PEXPIRE', keys[2], WILL_MILLISECONDS)
  return 1
end

-- KEYS: wills, a will. ARGS: lease in milliseconds, name, name of a will that is being carried out, or nothing, whether another is looked
-- for: 1 or 0. Returns whether the will is still its author's, and the name of one that is now to be carried out, or nothing.
local function will_renew(keys, args)
  local key, lease, found = keys[1], args[1], ''
  local is_own = renew_will(key, args[2], lease)
  redis.call('PEXPIRE', keys[2], WILL_MILLISECONDS)
  if args[3] ~= '' then renew_will(key, '!' .. args[3], lease) end
  if args[4] == '1' then
    local now = now_milliseconds()
    local lapsed = redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.0f', now), 'LIMIT', 0, 1)[1]
    if lapsed then
      found = string.match(lapsed, '^!?(%x+)$') or ''
      redis.call('ZREM', key, lapsed)
      if found ~= '' then redis.call('ZADD', key, string.format('%.0f', now + tonumber(lease)), '!' .. found) end
    end
  end
  return { is_own and 1 or 0, found }
end

-- KEYS: wills, a will. ARGS: lease in milliseconds, name, how many at most, then entries that are done with. Returns the next ones; none
-- end it. Nothing if it is not carried out by anybody.
local function will_execute(keys, args)
  local name = '!' .. args[2]
  if not renew_will(keys[1], name, args[1]) then return false end
  for index = 4, #args do redis.call('ZREM', keys[2], args[index]) end
  local entries = redis.call('ZRANGEBYSCORE', keys[2], '-inf', '+inf', 'LIMIT', 0, tonumber(args[3]))
  if not entries[1] then redis.call('ZREM', keys[1], name) end
  return entries
end

-- KEYS: session. Returns its fence, or nothing if there is no such session.
local function session_fence(keys, args)
  return read_fence(keys[1]) or false
end

-- For whoever runs the cluster.

-- KEYS: the nodes' pub/sub channel, or one node's. ARGS: a message. Returns how many hear it.
local function tell(keys, args)
  return redis.call('PUBLISH', keys[1], args[1])
end

-- KEYS: revocations. ARGS: target, when it was said, when it is forgotten, both in milliseconds, how many there may be, the nodes'
-- pub/sub channel. Returns 1, or 0 if there is no room.
local function revoke(keys, args)
  local key, now = keys[1], now_milliseconds()
  local lapsed = redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.0f', now), 'LIMIT', 0, 1000)
  if lapsed[1] then redis.call('ZREM', key, unpack(lapsed)) end
  if redis.call('ZCOUNT', key, '-inf', '+inf') >= tonumber(args[4]) then return 0 end
  redis.call('ZADD', key, args[3], args[2] .. ' ' .. args[1])
  redis.call('PUBLISH', args[5], 'revoked ' .. args[3] .. ' ' .. args[2] .. ' ' .. args[1])
  return 1
end

-- KEYS: revocations. ARGS: how many at most. Returns "<milliseconds> <target>" and the end of each in turn.
local function revocations(keys, args)
  local now = string.format('(%.0f', now_milliseconds())
  return redis.call('ZRANGEBYSCORE', keys[1], now, '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(args[1]))
end

-- Matches of what is listed, and what is told of each beside its name.
local LISTS = {
  channels = { '{*}:head', '^[^{]*{(.*)}:head$', function(key) return redis.call('GET', key) end },
  sessions = { 'session:{*}', ':session:{(%x+)}$', function(key) return redis.call('HGET', key, 'node') end },
  nodes = { 'node:*', ':node:([%w._-]+)$', function(key) return redis.call('GET', key) end },
}

-- ARGS: prefix, what, cursor of a scan, keys to look at [pattern of channels]. Returns the next cursor, then for each that was found
-- its name and what is told of it. One may be found twice.
local function list(keys, args)
  local kind = LISTS[args[2]]
  local escaped = string.gsub(args[1] .. ':', '[%[%]%*%?%^%-\\]', '\\%0')
  local page = redis.call('SCAN', args[3], 'MATCH', escaped .. kind[1], 'COUNT', args[4])
  local reply = { page[1] }
  for _, key in ipairs(page[2]) do
    local name = string.match(key, kind[2])
    if name and args[2] == 'channels' and args[5] and not is_meant({ [args[5]] = true }, name) then name = nil end
    local fact = name and kind[3](key)
    if fact then
      reply[#reply + 1] = name
      reply[#reply + 1] = fact
    end
  end
  return reply
end

-- KEYS: session. Returns the node that has it, and its channels and positions in turn; nothing if there is no such session.
local function session_facts(keys, args)
  local fields = redis.call('HGETALL', keys[1])
  if not fields[1] then return false end
  local reply = { '' }
  for index = 1, #fields, 2 do
    local name, value = fields[index], fields[index + 1]
    if name == 'node' then
      reply[1] = value
    elseif string.sub(name, 1, 1) == '@' and name ~= '@' then
      reply[#reply + 1] = string.sub(name, 2)
      reply[#reply + 1] = value
    end
  end
  return reply
end

-- KEYS: session. Ends it, and tells the node that has it. Returns 1, or 0 if there is no such session.
local function session_end(keys, args)
  local key = keys[1]
  local fence, node = read_fence(key), redis.call('HGET', key, 'node')
  if not fence then return 0 end
  redis.call('DEL', key)
  if (node or '') ~= '' then
    local prefix, id = string.match(key, '^(.*):session:{(.*)}$')
    redis.call('PUBLISH', prefix .. ':node:' .. node, string.format('taken %s %.0f end', id, fence + 1))
  end
  return 1
end

-- Rates

local function now_microseconds()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- KEYS: rate. ARGS: how long it takes, in microseconds, until there is as much again as somebody had; how much is owed at most,
-- whatever stands there: a clock that went back owes nobody years. Returns the microseconds until there is all again.
local function spend(keys, args)
  local key, cost, most = keys[1], whole(args[1], 1, EXACT), whole(args[2], 1, EXACT)
  if not key or not cost or not most then
    return redis.error_reply('ERR perseid_spend takes a key, the microseconds of what was had, and the most that is owed')
  end
  local text, now = redis.call('GET', key), now_microseconds()
  local full = text and whole(text, 0, EXACT)
  if text and not full then refuse_broken('rate', key) end
  local left = math.min(math.max(full or 0, now) - now + cost, most)
  redis.call('SET', key, string.format('%.0f', now + left), 'PX', math.ceil(left / 1000))
  return left
end

local function version()
  return VERSION
end

redis.register_function('perseid_publish', publish)
redis.register_function { function_name = 'perseid_history', callback = history, flags = { 'no-writes' } }
redis.register_function { function_name = 'perseid_find', callback = find, flags = { 'no-writes', 'allow-cross-slot-keys' } }
redis.register_function { function_name = 'perseid_hear', callback = hear, flags = { 'no-writes' } }
redis.register_function('perseid_count', count)
redis.register_function { function_name = 'perseid_describe', callback = describe, flags = { 'no-writes' } }
redis.register_function('perseid_enter', enter)
redis.register_function('perseid_renew', renew)
redis.register_function('perseid_leave', leave)
redis.register_function { function_name = 'perseid_presence', callback = presence, flags = { 'no-writes' } }
redis.register_function('perseid_session_open', session_open)
redis.register_function('perseid_session_resume', session_resume)
redis.register_function('perseid_session_touch', session_touch)
redis.register_function('perseid_session_save', session_save)
redis.register_function('perseid_session_detach', session_detach)
redis.register_function { function_name = 'perseid_session_fence', callback = session_fence, flags = { 'no-writes' } }
redis.register_function('perseid_will_open', will_open)
redis.register_function('perseid_will_drop', will_drop)
redis.register_function('perseid_will_write', will_write)
redis.register_function('perseid_will_renew', will_renew)
redis.register_function('perseid_will_execute', will_execute)
redis.register_function('perseid_live', live)
redis.register_function('perseid_tell', tell)
redis.register_function('perseid_revoke', revoke)
redis.register_function { function_name = 'perseid_revocations', callback = revocations, flags = { 'no-writes' } }
redis.register_function { function_name = 'perseid_list', callback = list, flags = { 'no-writes', 'allow-cross-slot-keys' } }
redis.register_function { function_name = 'perseid_session_facts', callback = session_facts, flags = { 'no-writes' } }
redis.register_function('perseid_session_end', session_end)
redis.register_function('perseid_spend', spend)
redis.register_function { function_name = 'perseid_version', callback = version, flags = { 'no-writes' } }
