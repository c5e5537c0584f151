#!lua name=perseid

-- Perseid's function library: each multi-step change of a channel or a session as one atomic call.
--
-- Keys of the channel "news", one hash slot by their tag. The prefix is the nodes' own, `perseid` unless they were told
-- another; in a database other than 0 its number stands behind it (`perseid@3:{news}`), for pub/sub knows no databases.
--   perseid:{news}                stream of its publications, and the name they are published under
--   perseid:{news}:head           its newest position; outlives the stream. " k" stands behind it where the channel is keyed
--   perseid:{news}:keys           of a keyed channel: the position of the newest publication of each key (hash), of those without one
--                                 under "", and what is kept under a line feed, which is no key: "<position behind which nothing is
--                                 gone but what was replaced> <keys> <milliseconds>". Under two: "<replication id of the Redis that
--                                 wrote last> <previous>/<position> …", a pair for each that began to write. Nothing of the channel
--                                 lies between the two: what somebody was told of there was lost
--   perseid:{news}:once:<key>     the position a publish with this idempotency key got
--   perseid:{news}:counts         subscribers by node: "<count> <lease end in milliseconds>"
--   perseid:{news}:presence       members by the end of their lease in milliseconds (sorted set)
--   perseid:{news}:members        of each member: "<node> <transport> <milliseconds since>", and behind that what its node
--                                 tells of who it is, as a JSON object, if anything. Under a line feed, which is no member:
--                                 "<when somebody looked last for those whose lease has ended> <until when these are spared>"
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
-- Where several masters share the channels, and one more comes or one goes, what has another master from then on is taken there
-- (`perseid_depart`, `perseid_arrive`, `perseid_forget`). In place of the head of a channel, or of the fence of a session, stands then
-- "leaving <position> <milliseconds> <master>", and "gone …" once it has arrived; who asks for it is told UNDERWAY, and ELSEWHERE then.
--   perseid:moves                 what is to be moved, which nodes know of it, and to which masters channels were moved last
--
-- Anybody may write to Redis. What is here and cannot be what was written here is told as "BROKEN <kind> in <key>" before
-- anything is changed; that key alone is of no use until somebody mends it.

local VERSION = 15

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

-- For so long it is remembered that a channel is at another master, and that a session is: a node that has one and does not know that
-- must be refused until then.
local CHANNEL_LEFT_MILLISECONDS = 86400000
local SESSION_LEFT_MILLISECONDS = 600000

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

local KINDS = { json = 'j', text = 't', binary = 'b', auto = 'a', removal = 'r' }

-- Bytes of a publication's key.
local KEY_BYTES_MAX = 255

-- What each option may be, and how it is read.
local OPTIONS = {
  TYPE = { 'json, text, binary, auto or removal', function(text) return KINDS[text] end },
  ONCE = { 'at least a byte', function(text) return text ~= '' and encode(text) or nil end },
  KEY = { '1 to 255 bytes without control characters', function(text)
    return #text > 0 and #text <= KEY_BYTES_MAX and not string.find(text, '%c') and text or nil
  end },
  KEYED = { 'a count, at least 1', function(text) return whole(text, 1, EXACT) end },
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
-- a node that begins to hear a pattern says so at once, again when it looks for its channels (`perseid_find`), and then with each of its
-- signs of life (`perseid_hear`). What nobody hears any more is forgotten with the first publication that finds nobody. Nothing until it is
-- first asked for, for the library may have been loaded anew under nodes that hear some.
local heard_patterns = nil

-- Until when, in seconds, more may be so than what is known, where not all could be asked: that nodes hear another pattern, or that this
-- is a node of a Redis Cluster. By then all nodes have said what they hear. Nothing where all is known.
local unsure_until = nil

-- Whether this is a node of a Redis Cluster; nothing until a user asks who may ask that, for what one may not is no fact for others.
local clustered = nil

local function learn_clustered()
  if clustered ~= nil then return end
  local reply = redis.pcall('CLUSTER', 'MYID')
  if type(reply) == 'string' then
    -- Anew: what was learnt before was so for one that is none.
    clustered, heard_patterns = true, nil
  elseif string.find(reply.err, 'cluster support disabled', 1, true) then
    clustered = false
  end
end

local function now_seconds()
  return tonumber(redis.call('TIME')[1])
end

-- In a cluster nobody here knows whether somebody hears a pattern elsewhere: so nodes say that they still do, and it is forgotten when none
-- has for so long.
local HEARD_SECONDS = 90

local function is_unsure()
  if unsure_until and now_seconds() >= unsure_until then unsure_until = nil end
  return unsure_until ~= nil
end

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
  heard_patterns[name] = clustered and now_seconds() or 0
  if is_new then count_pattern(name, 1) end
end

-- All of them are known where this user may ask for them and is told of those that are heard elsewhere, too.
local function learn_patterns()
  learn_clustered()
  heard_patterns, heard_starts, heard_count = {}, {}, 0
  local names = redis.pcall('PUBSUB', 'CHANNELS', '*{*[*]}')
  unsure_until = (names.err or clustered ~= false) and now_seconds() + HEARD_SECONDS or nil
  for _, name in ipairs(names) do note_pattern(name) end
end

local function tell_heard_pattern(name, message)
  local heard = redis.call('PUBLISH', name, message)
  if clustered then heard = heard_patterns[name] + HEARD_SECONDS - now_seconds() end
  if heard <= 0 then
    heard_patterns[name] = nil
    count_pattern(name, -1)
  end
end

local function tell_pattern(name, key, message, unsure)
  if heard_patterns[name] then
    tell_heard_pattern(name, PATTERN_MAGIC .. key .. '\n' .. message)
  elseif unsure then
    -- A user that may not publish there tells nobody, as if nobody heard it.
    local heard = redis.pcall('PUBLISH', name, PATTERN_MAGIC .. key .. '\n' .. message)
    if type(heard) == 'number' and heard > 0 then note_pattern(name) end
  end
end

-- Tells those who hear a pattern that stands for a channel: `a/*`, `a/**` and `**` for `a/b`.
local function tell_patterns(key, message, unsure)
  if not unsure and next(heard_patterns) == nil then return end
  local prefix, name = string.match(key, '^([^{]*{)(.*)}$')
  if not unsure and not heard_starts[prefix] and not heard_starts[start_of(key)] then return end
  local base = string.match(name, '^(.*/)') or ''
  tell_pattern(prefix .. base .. '*}', key, message, unsure)
  tell_pattern(prefix .. base .. '**}', key, message, unsure)
  while base ~= '' do
    base = string.match(base, '^(.*/)[^/]*/$') or ''
    tell_pattern(prefix .. base .. '**}', key, message, unsure)
  end
end

-- Tells those who hear a channel, or a pattern that stands for it. Where nobody may ask whether this is a node of a cluster, both ways: who
-- hears the one does not hear the other.
local function tell_readers(key, message)
  local unsure = is_unsure()
  if unsure then learn_clustered() end
  if not heard_patterns then
    learn_patterns()
    unsure = unsure_until ~= nil
  end
  redis.call(clustered and 'SPUBLISH' or 'PUBLISH', key, message)
  if unsure and clustered == nil then redis.pcall('SPUBLISH', key, message) end
  tell_patterns(key, message, unsure)
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

-- What stands where something was that has another master now: whether it is still "leaving" or "gone", the position or fence that it
-- left with, until when it would have been kept, in milliseconds, and the master.
local function read_departure(text)
  local state, position, kept_until, master = string.match(text or '', '^(%l+) (%d+%-%d+) (%d+) (.+)$')
  if state == 'leaving' or state == 'gone' then return state, position, tonumber(kept_until), master end
end

local function refuse_departed(key, text)
  local state, _, _, master = read_departure(text)
  if state == 'gone' then error(redis.error_reply('ELSEWHERE ' .. key .. ' is at the master ' .. master)) end
  -- Whoever went there now would begin it anew.
  if state then error(redis.error_reply('UNDERWAY ' .. key .. ' is on its way to the master ' .. master)) end
end

-- The position that a head says, and whether its channel is keyed.
local function read_head(text)
  local position = string.match(text, '^(%S+) k$')
  return position or text, position ~= nil
end

local function head_of(position, is_keyed)
  return is_keyed and position .. ' k' or position
end

-- Where a channel stands, and whether it is keyed.
local function newest(key)
  local head = redis.call('GET', key .. ':head') or last_entry(key)
  -- The way of most: so short a position has no number that is too large.
  if #head <= 16 and string.find(head, '^%d+%-%d+$') then return head, false end
  if read_position(head) then return head, false end
  local position, is_keyed = read_head(head)
  if not read_position(position) then
    refuse_departed(key, position)
    refuse_broken('head', key .. ':head')
  end
  return position, is_keyed
end

-- The same for what has nothing to do with positions.
local function refuse_departed_channel(key)
  refuse_departed(key, redis.call('GET', key .. ':head'))
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

-- Appends an entry at a position, or at the clock's; returns where it stands, and nothing where there is no stream. With a call of its own
-- for most, which have no key.
local function add_entry(key, count, place, previous, kind, payload, name)
  if not name then
    return redis.call('XADD', key, 'NOMKSTREAM', 'MAXLEN', count, place, 'v', previous, 't', kind, 'p', payload)
  end
  return redis.call('XADD', key, 'NOMKSTREAM', 'MAXLEN', count, place, 'v', previous, 't', kind, 'p', payload, 'k', name)
end

-- Makes an empty stream that goes by itself, whatever comes next: ages are looked at when a second has passed since the publication before,
-- and one that was not remembered may be of this very second.
local function make_stream(key, lifetime)
  redis.call('XADD', key, 'MAXLEN', 0, '0-1', 'v', '')
  redis.call('PEXPIRE', key, lifetime + 1000)
end

-- Appends to the stream; returns the position. Redis gives each entry a later id than the one before, but knows nothing of
-- those before a stream that has lapsed; the head does, should the clock have gone back since.
local function append(key, count, lifetime, previous, kind, payload, name)
  local position = add_entry(key, count, '*', previous, kind, payload, name)
  if not position then
    make_stream(key, lifetime)
    position = add_entry(key, count, '*', previous, kind, payload, name)
  end
  if follows(position, previous) then return position end
  redis.call('XDEL', key, position)
  return add_entry(key, count, successor(previous, 0), previous, kind, payload, name)
end

-- Ages are kept to the second, so what concerns them is done once in a channel's second and not with each publish.
local function forget_old(key, position, previous, lifetime)
  -- The way of most, while milliseconds have thirteen digits (until the year 2286).
  if #position == #previous and string.sub(position, 1, 10) == string.sub(previous, 1, 10) then return end
  local milliseconds = string.match(position, '^%d+')
  if string.sub(previous, 1, #milliseconds - 3) == string.sub(milliseconds, 1, -4) then return end
  redis.call('XTRIM', key, 'MINID', string.format('%.0f', math.max(tonumber(milliseconds) - lifetime, 0)))
  redis.call('PEXPIRE', key, lifetime + 1000)
end

-- A stream's entry as { position, previous, type, payload [key] }.
local function read_entry(entry)
  local fields = {}
  for index = 1, #entry[2], 2 do fields[entry[2][index]] = entry[2][index + 1] end
  return { entry[1], fields.v or '0-0', fields.t or 'a', fields.p or '', fields.k }
end

-- Keyed channels: the stream has the newest publication of each key.

-- Entries that a publication lets go of at most beyond its own: so that one publish after a silence does not pay for thousands.
local FORGOTTEN_MAX = 16

-- What is kept of a keyed channel, of how many keys and for how many milliseconds, and the position behind which nothing is gone but what
-- was replaced (`floor`); nothing once all of it has lapsed.
local function read_keyed(key)
  local text = redis.call('HGET', key .. ':keys', '\n')
  if not text then return nil end
  local floor, count, lifetime = string.match(text, '^(%S+) (%d+) (%d+)$')
  count, lifetime = whole(count, 1, EXACT), whole(lifetime, 1, MILLISECONDS_MAX)
  if not floor or not read_position(floor) or not count or not lifetime then refuse_broken('keys', key .. ':keys') end
  return { floor = floor, count = count, lifetime = lifetime }
end

-- What this Redis calls what it has and its replicas have from it. A replica that takes its place has another, and so has this one when it
-- starts again: either may have lost what was written last. A user that may not ask is content with when it was first wanted here.
local replication_id = nil

local function learn_replication_id()
  local facts = redis.pcall('INFO', 'replication')
  local id = type(facts) == 'string' and string.match(facts, 'master_replid:(%x+)')
  if not id and not replication_id then id = table.concat(redis.call('TIME'), '.') end
  replication_id = id or replication_id
end

-- Of a keyed channel the chain does not tell what was lost, for it leaves out what was replaced. So it is noted between which positions
-- another Redis began to write.
local function read_breaks(key)
  local noted = redis.call('HGET', key .. ':keys', '\n\n')
  if not noted then return nil, {} end
  local breaks = {}
  for previous, position in string.gmatch(noted, '(%d+%-%d+)/(%d+%-%d+)') do
    if not read_position(previous) or not read_position(position) then refuse_broken('keys', key .. ':keys') end
    breaks[#breaks + 1] = { previous, position }
  end
  return string.match(noted, '^%S+'), breaks
end

-- So many are told apart. Of the oldest two together it is said that nothing lies between them: who stands there is told all anew, and
-- would have needed less.
local BREAKS_MAX = 16

-- Notes where this Redis began to write. It learns once in a channel's second whether it was replaced meanwhile and has its place again:
-- nobody is that fast.
local function note_break(key, floor, previous, position)
  local is_same_second = #position == #previous and string.sub(position, 1, 10) == string.sub(previous, 1, 10)
  if not replication_id or not is_same_second then learn_replication_id() end
  local id, breaks = read_breaks(key)
  if id == replication_id then return end
  learn_replication_id()
  local words = {}
  breaks[#breaks + 1] = { previous, position }
  if #breaks > BREAKS_MAX then
    breaks[2][1] = breaks[1][1]
    table.remove(breaks, 1)
  end
  for _, pair in ipairs(breaks) do
    -- Who stands before the floor is told of that anyway.
    if follows(pair[2], floor) then words[#words + 1] = pair[1] .. '/' .. pair[2] end
  end
  redis.call('HSET', key .. ':keys', '\n\n', replication_id .. ' ' .. table.concat(words, ' '))
end

-- Whether somebody stands where nothing of this keyed channel ever was: what was told up to there is lost. If not, whether others do that
-- stand further, as text, or nothing.
local function find_lost(key, since, head)
  if not read_position(since) then return false end
  if follows(since, head) then return true end
  local _, breaks = read_breaks(key)
  local words = {}
  for _, pair in ipairs(breaks) do
    if follows(pair[2], since) then
      if follows(since, pair[1]) then return true end
      words[#words + 1] = pair[1] .. '/' .. pair[2]
    end
  end
  return false, words[1] and table.concat(words, ' ')
end

-- Forgets the oldest: what is too much, and what is too old. Returns the newest of them: whoever stands before it misses something.
local function forget_keys(key, excess, oldest)
  local forgotten
  for _, entry in ipairs(redis.call('XRANGE', key, '-', '+', 'COUNT', FORGOTTEN_MAX)) do
    if excess <= 0 and tonumber(string.match(entry[1], '^%d+')) >= oldest then break end
    local name = read_entry(entry)[5] or ''
    redis.call('XDEL', key, entry[1])
    if redis.call('HGET', key .. ':keys', name) == entry[1] then redis.call('HDEL', key .. ':keys', name) end
    excess = excess - 1
    forgotten = entry[1]
  end
  return forgotten
end

-- Appends to a keyed channel what takes the place of the newest of its key; returns the position.
local function append_keyed(key, keyed, previous, kind, payload, name)
  local places = key .. ':keys'
  local replaced = redis.call('HGET', places, name or '')
  if replaced and not read_position(replaced) then refuse_broken('keys', places) end
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  -- What lapsed all at once was replaced by nothing. What was there before the channel was keyed is left to lapse.
  if not first then keyed.floor = previous end
  if not keyed.floor then keyed.floor = read_entry(first)[2] end
  local position = append(key, EXACT, keyed.lifetime, previous, kind, payload, name)
  if replaced then redis.call('XDEL', key, replaced) end
  redis.call('HSET', places, name or '', position)
  local oldest = tonumber(string.match(position, '^%d+')) - keyed.lifetime
  local others = (redis.call('HGET', places, '\n') and 1 or 0) + (redis.call('HGET', places, '\n\n') and 1 or 0)
  keyed.floor = forget_keys(key, redis.call('HLEN', places) - others - keyed.count, oldest) or keyed.floor
  redis.call('HSET', places, '\n', string.format('%s %.0f %.0f', keyed.floor, keyed.count, keyed.lifetime))
  note_break(key, keyed.floor, previous, position)
  redis.call('PEXPIRE', key, keyed.lifetime + 1000)
  redis.call('PEXPIRE', places, keyed.lifetime + 1000)
  return position
end

-- KEYS: channel [its head, its keys, its idempotency key]. ARGS: payload [TYPE json|text|binary|auto|removal] [KEY key] [KEYED count] [ONCE
-- key] [HISTORY count] [TTL ms] [HEADTTL ms] [ONCETTL ms]. With KEYED the channel keeps the newest publication of each key, of so many
-- keys; it then stays keyed for publishers that do not say KEYED, until all of it has lapsed. Returns the position. It finds every mistake
-- before it writes anything.
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
  if options.TYPE == 'r' and not options.KEY then return redis.error_reply('ERR a removal needs a KEY') end

  local once = options.ONCE and (key .. ':once:' .. options.ONCE)
  if once then
    local known = redis.call('GET', once)
    if known and not read_position(known) then refuse_broken('idempotency key', once) end
    if known then
      -- Written once more as it is: who waits for replicas behind this waits for what was written before it, and so for the first one.
      redis.call('SET', once, known, 'KEEPTTL')
      return known
    end
  end

  local previous, is_keyed = newest(key)
  local keyed, position = is_keyed and read_keyed(key) or nil, nil
  local kind = options.TYPE or 'a'
  local count = options.HISTORY or HISTORY_COUNT
  local lifetime = options.TTL or HISTORY_MILLISECONDS
  if options.KEYED then
    keyed = { floor = keyed and keyed.floor, count = options.KEYED, lifetime = math.max(lifetime, 1) }
  end
  if keyed then
    position = append_keyed(key, keyed, previous, kind, payload, options.KEY)
  elseif count > 0 and lifetime > 0 then
    position = append(key, count, lifetime, previous, kind, payload, options.KEY)
    forget_old(key, position, previous, lifetime)
  else
    -- Nothing is to be remembered: nor is what was while a rule said otherwise. Backends that may publish may trim, and not delete.
    redis.call('XTRIM', key, 'MAXLEN', 0)
    position = successor(previous, now_milliseconds())
  end
  local head_lifetime = options.HEADTTL or HEAD_MILLISECONDS
  -- As long as anything is kept of it: only the head says that the channel is keyed.
  if keyed then head_lifetime = math.max(head_lifetime, keyed.lifetime + 1000) end
  redis.call('SET', key .. ':head', head_of(position, keyed), 'PX', head_lifetime)
  if once then redis.call('SET', once, position, 'PX', options.ONCETTL or ONCE_MILLISECONDS) end
  local name = options.KEY and ' ' .. options.KEY or ''
  local message = MAGIC .. position .. ' ' .. previous .. ' ' .. kind .. name .. '\n' .. payload
  tell_readers(key, message)
  return position
end

-- KEYS: channel [its head, its keys]. ARGS: [HEADTTL ms]. Forgets all that the channel remembers, and moves its head on by one position at
-- which there is no publication. So its readers are told of a gap, and so is a client that comes back from before it. The message that
-- tells nodes of this names itself as its predecessor, so it follows nothing that anybody has. Returns the position; if nothing was ever
-- published, it returns 0-0 and tells nobody.
local function clear(keys, args)
  local key = keys[1]
  if #keys == 0 then return redis.error_reply('ERR perseid_clear takes a channel key') end
  if not is_channel(key) or is_pattern(key) then
    return redis.error_reply('ERR ' .. key .. ' is not the key of one channel such as perseid:{news}')
  end
  local options, failure = read_options(args, 1)
  if failure then return failure end
  local previous, is_keyed = newest(key)
  if previous == '0-0' then return previous end
  local position = successor(previous, now_milliseconds())
  redis.call('DEL', key, key .. ':keys')
  redis.call('SET', key .. ':head', head_of(position, is_keyed), 'PX', options.HEADTTL or HEAD_MILLISECONDS)
  local message = MAGIC .. position .. ' ' .. position .. ' t\n'
  tell_readers(key, message)
  return position
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

-- KEYS: channel. ARGS: position or '' for all, limit [bytes]. Returns the head, then each publication as { position, previous, type,
-- payload [key] }, oldest first; then, if the channel is keyed, { position } after which only replaced publications are missing; then
-- 'more' if there was no room for others. Without a position it returns the newest ones. If a keyed channel lost the position that it is
-- asked about, it says { position, 'anew' } there: the publications are all that it has. If it lost something after that position, it says
-- { position, '<previous>/<position> …' }: it has nothing between the two of a pair.
local function history(keys, args)
  local key, since, limit = keys[1], args[1], tonumber(args[2])
  -- Nothing is published under a pattern; it stands at the moment.
  if is_pattern(key) then return { string.format('%.0f-0', now_milliseconds() - 1) } end
  local head, is_keyed = newest(key)
  local reply = { head }
  -- Only the head is wanted.
  if limit == 0 then return reply end
  local is_anew, breaks = false, nil
  if is_keyed then is_anew, breaks = find_lost(key, since, head) end
  local behind = is_anew and '0-0' or since ~= '' and since or nil
  local entries, has_more = read_entries(key, behind, limit, tonumber(args[3] or math.huge))
  local first, last, step = 1, #entries, 1
  if since == '' then first, last, step = #entries, 1, -1 end
  for index = first, last, step do reply[#reply + 1] = entries[index] end
  -- What lapsed all at once was replaced by nothing.
  local keyed = is_keyed and last_entry(key) ~= '0-0' and read_keyed(key)
  if is_keyed then reply[#reply + 1] = { keyed and keyed.floor or head, is_anew and 'anew' or breaks } end
  if has_more then reply[#reply + 1] = 'more' end
  return reply
end

-- What follows a position: 0 if nothing does, which the head alone says.
local function follow(key, since, limit, bytes)
  if (read_head(redis.call('GET', key .. ':head') or last_entry(key))) == since then return 0 end
  return history({ key }, { since, limit, bytes })
end

-- Returns what follows positions in several channels. After a loss of its connection a node asks so for all channels that it listens to,
-- most of which have nothing new. KEYS: none, because in a Redis Cluster they are in several slots. ARGS: limit for each channel, bytes for
-- all together, then a channel's key and a position, again and again. Returns for each channel 0 if nothing follows, or what
-- perseid_history returns, or 1 if the node has to ask perseid_history, because there is no room left or the channel is not here.
local function histories(_, args)
  local limit, left, replies = args[1], tonumber(args[2]), {}
  for index = 3, #args, 2 do
    local is_known, reply = false, nil
    if left > 0 then
      is_known, reply = pcall(follow, args[index], args[index + 1], limit, left)
    end
    if not is_known then
      reply = 1
    elseif reply ~= 0 then
      for place = 2, #reply do left = left - ENTRY_BYTES - #(reply[place][4] or '') end
    end
    replies[#replies + 1] = reply
  end
  return replies
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

-- One that has become a replica may have no keys for a moment, which says nothing of what there is. A user that may not ask is taken for
-- one that asks a master.
local function refuse_as_replica()
  local facts = redis.pcall('INFO', 'replication')
  if type(facts) == 'string' and string.find(facts, '\nrole:slave', 1, true) then
    error(redis.error_reply('READONLY this is a replica, which may not have all keys'))
  end
end

-- The head of a channel that is at this master, or on its way to another.
local function known_head(key)
  local head = redis.call('GET', key)
  local state, position = read_departure(head)
  if state then return state == 'leaving' and position end
  return head and (read_head(head))
end

-- The same; an empty text where its slot is on its way here, and nothing where it cannot be read. A master that has come back and does
-- not know yet whether its cluster is whole reads nothing: then nobody must believe that there is nothing.
local function find_head(key)
  local is_readable, head = pcall(known_head, key)
  if is_readable then return head end
  local text = type(head) == 'table' and head.err or tostring(head)
  if string.find(text, 'cluster is down', 1, true) then error(redis.error_reply('CLUSTERDOWN the channels cannot be read yet')) end
  return string.find(text, 'non local key', 1, true) and '' or nil
end

-- ARGS: prefix, pattern as in a key, cursor of a scan, keys to look at [further patterns]. Looks for channels that the patterns stand for;
-- from now on what is published there is published under these patterns, too. Returns the next cursor, the time in milliseconds, and for
-- each channel that it found its name as in a key and its head. The head is empty if the channel's slot is on its way to this master. It
-- may return a channel twice.
local function find(keys, args)
  refuse_as_replica()
  learn_clustered()
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
    -- One on its way has not arrived where nodes look next, or not been forgotten here.
    local head = name and is_meant(patterns, name) and find_head(key)
    if head == '' or head and read_position(head) then
      reply[#reply + 1] = name
      reply[#reply + 1] = head
    end
  end
  return reply
end

-- ARGS: prefix, then patterns as in a key. Notes that somebody still listens to these patterns.
local function hear(keys, args)
  learn_clustered()
  if not heard_patterns then learn_patterns() end
  for index = 2, #args do note_pattern(args[1] .. ':{' .. args[index] .. '}') end
  return #args - 1
end

-- Keeps what several nodes have a part in for as long as the one that needs it longest.
local function keep(key, milliseconds)
  if redis.call('PEXPIRE', key, milliseconds, 'GT') == 0 then redis.call('PEXPIRE', key, milliseconds, 'NX') end
end

-- Counts of nodes that were killed.
local function forget_counts(key, now)
  local counts = redis.call('HGETALL', key)
  for index = 1, #counts, 2 do
    local lease_end = whole(string.match(counts[index + 1], '^%d+ (%d+)$'), 0, EXACT)
    if lease_end and lease_end <= now then redis.call('HDEL', key, counts[index]) end
  end
end

-- KEYS: channel. ARGS: node, subscribers, lease in milliseconds. Notes how many subscribers a node has, and forgets a node that has none.
local function count(keys, args)
  refuse_departed_channel(keys[1])
  local key, node, subscribers, lease = keys[1] .. ':counts', args[1], tonumber(args[2]), tonumber(args[3])
  if subscribers == 0 then
    redis.call('HDEL', key, node)
  else
    local now = now_milliseconds()
    local is_new = redis.call('HSET', key, node, string.format('%d %.0f', subscribers, now + lease)) == 1
    -- Others are there in place of those that are gone: so many as live at once are kept, and looked at no more often than that.
    if is_new then forget_counts(key, now) end
    -- One that has many channels takes longer leases.
    keep(key, lease)
  end
  return subscribers
end

-- KEYS: channel. Returns how many subscribers it has on all nodes, how many nodes have any, and its head. Lapsed leases do not count.
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
  return { subscribers, nodes, (newest(keys[1])) }
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

local function keep_members(key, lease)
  keep(key .. ':presence', 2 * lease)
  keep(key .. ':members', 2 * lease)
end

-- When somebody looked last for members whose lease has ended, and until when these are spared, in milliseconds; nothing where nobody did.
local function read_look(key)
  local looked, spared_until = string.match(redis.call('HGET', key .. ':members', '\n') or '', '^(%d+) (%d+)$')
  return whole(looked, 0, EXACT), whole(spared_until, 0, EXACT)
end

-- Members whose node was killed are gone with their lease. A few at a time: the rest is found by the next call. Where nobody looked
-- for longer than a node that lives takes to renew its own, Redis was away, or all nodes were: then each first has the time of a lease
-- to do so.
local function sweep_members(key, now, lease)
  local looked, spared_until = read_look(key)
  spared_until = math.min(spared_until or now, now + lease)
  if looked and now - looked > lease / 2 then spared_until = now + lease end
  redis.call('HSET', key .. ':members', '\n', string.format('%.0f %.0f', now, spared_until))
  -- Whoever is not there again by then is told of.
  if now < spared_until then return keep_members(key, lease) end
  local lapsed = redis.call('ZRANGEBYSCORE', key .. ':presence', '-inf', string.format('%.0f', now), 'LIMIT', 0, 100)
  for _, member in ipairs(lapsed) do remove_member(key, member) end
end

-- KEYS: channel. ARGS: lease in milliseconds, node, member, transport [what others are told of the member, as a JSON object]. Notes that a
-- member is present.
local function enter(keys, args)
  refuse_departed_channel(keys[1])
  local key, lease, now = keys[1], tonumber(args[1]), now_milliseconds()
  sweep_members(key, now, lease)
  put_member(key, args[3], args[2], args[4], args[5], now, lease)
  keep_members(key, lease)
  return 1
end

-- KEYS: channel. ARGS: lease in milliseconds, node, then member and transport in turn; without any it only ends what lapsed. Returns the
-- members that are another node's now; then, behind an empty name, those that are missing, which their node has to enter again.
local function renew(keys, args)
  refuse_departed_channel(keys[1])
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
  if #args > 2 or redis.call('HLEN', key .. ':members') > 0 then sweep_members(key, now, lease) end
  if #args > 2 then keep_members(key, lease) end
  if missing[1] then
    lost[#lost + 1] = ''
    for _, member in ipairs(missing) do lost[#lost + 1] = member end
  end
  return lost
end

-- KEYS: channel. ARGS: node, member. Takes a member out, unless it is another node's.
local function leave(keys, args)
  refuse_departed_channel(keys[1])
  local facts = redis.call('HGET', keys[1] .. ':members', args[2])
  if not facts or string.match(facts, '^%S+') ~= args[1] then return 0 end
  remove_member(keys[1], args[2])
  return 1
end

-- KEYS: channel. ARGS: limit [details]. Returns how many members are present, then for each of the first of them its name and its facts.
-- Only with `details` these say who it is, because nodes of earlier versions do not expect that.
local function presence(keys, args)
  refuse_departed_channel(keys[1])
  local now = now_milliseconds()
  local _, spared_until = read_look(keys[1])
  local from = now < (spared_until or 0) and '-inf' or string.format('(%.0f', now)
  local reply = { redis.call('ZCOUNT', keys[1] .. ':presence', from, '+inf') }
  local members = redis.call('ZRANGEBYSCORE', keys[1] .. ':presence', from, '+inf', 'LIMIT', 0, tonumber(args[1]))
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
  if text and not fence then
    refuse_departed(key, text)
    refuse_broken('fence', key)
  end
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

-- KEYS: session. ARGS: hash of the secret, fence, node, lifetime in milliseconds, then positions. Returns 1 if the session is this node's
-- now, or 0 if another node has it.
local function session_open(keys, args)
  local key, known = keys[1], read_fence(keys[1])
  if known and is_stale(key, known, tonumber(args[2]), args[3]) then return 0 end
  redis.call('HSET', key, 'secret', args[1], 'fence', args[2], 'node', args[3])
  redis.call('PEXPIRE', key, args[4])
  write_positions(key, args, 5)
  return 1
end

-- KEYS: session. ARGS: hash of the secret, node, lifetime in milliseconds [why]. Returns nothing if there is no such session or the secret
-- is another; else the new fence and the positions. The node that held the session is told, and why: the other node holds it from now on
-- (`attach`), had a request of its client (`visit`), or ends it (`end`).
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
  refuse_departed(key, session.fence)
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

-- KEYS: session. ARGS: hash of the secret, lifetime in milliseconds. Keeps the session for so long at least. Returns what is noted of the
-- session, or nothing if there is no such session.
local function session_touch(keys, args)
  read_fence(keys[1])
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

-- KEYS: session. ARGS: fence, node, lifetime in milliseconds or 0 to end it, then positions. Writes the positions. Returns 1, or 0 if
-- another node has the session, or -1 if there is no such session.
local function session_save(keys, args)
  return write_session(keys, args, args[2])
end

-- The same as perseid_session_save, for the last write of a node that lets go of the session.
local function session_detach(keys, args)
  return write_session(keys, args, '')
end

-- A node that names masters of before would begin anew what others have now. The marks of what has left are gone after a day; which list
-- is the last that channels were moved to stays.
local function refuse_outdated(key, list, former)
  local known = key and redis.call('HGET', key, 'masters')
  if known and known ~= list and known ~= former then
    error(redis.error_reply('OUTDATED the channels were moved to other masters than the setting redis of this node names'))
  end
end

-- KEYS: a node's [moves]. ARGS: incarnation, facts as JSON that name it, lease in milliseconds [the masters that it knows, those of
-- before]. Notes that a node lives. Returns 1, or 0 if another process lives by this name, which is so if that still listens to the channel
-- that only it listens to. Refuses a node that knows other masters than those that the channels were moved to: OUTDATED.
local function live(keys, args)
  refuse_outdated(keys[2], args[4], args[5])
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

-- KEYS: wills, a will, the one before it. ARGS: lease in milliseconds, name, name of the one before, or nothing. Begins a will: a list of
-- the readers whose leaving other nodes report to the backend if this node dies.
local function will_open(keys, args)
  if args[3] ~= '' then drop_will(keys[1], keys[3], args[3]) end
  redis.call('ZADD', keys[1], string.format('%.0f', now_milliseconds() + tonumber(args[1])), args[2])
  redis.call('PEXPIRE', keys[1], WILL_MILLISECONDS)
  return 1
end

-- KEYS: wills, a will. ARGS: name. Takes a will back.
local function will_drop(keys, args)
  drop_will(keys[1], keys[2], args[1])
  return 1
end

-- KEYS: wills, a will. ARGS: lease in milliseconds, name, then entries: "+" before what is added, "-" before what is taken away. Returns 1,
-- or 0 if another node carries the will out.
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

-- KEYS: wills, a will. ARGS: lease in milliseconds, name, name of a will that this node carries out, or nothing, whether it looks for
-- another one: 1 or 0. Renews both leases. Returns whether the will is still its author's, and the name of one that this node is to carry
-- out now, or nothing.
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

-- KEYS: wills, a will. ARGS: lease in milliseconds, name, how many at most, then entries that are done. Returns the next entries; if there
-- are none, the will has ended. Returns nothing if nobody carries the will out.
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

-- KEYS: the nodes' pub/sub channel, or one node's. ARGS: a message. Publishes it. Returns how many nodes receive it.
local function tell(keys, args)
  return redis.call('PUBLISH', keys[1], args[1])
end

-- KEYS: revocations. ARGS: target, when it was revoked, when the revocation ends, both in milliseconds, how many there may be, the nodes'
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

-- KEYS: revocations. ARGS: how many at most. Returns "<milliseconds> <target>" and the end of each revocation in turn.
local function revocations(keys, args)
  local now = string.format('(%.0f', now_milliseconds())
  return redis.call('ZRANGEBYSCORE', keys[1], now, '+inf', 'WITHSCORES', 'LIMIT', 0, tonumber(args[1]))
end

-- Matches of what is listed, and what is told of each beside its name.
local LISTS = {
  channels = { '{*}:head', '^[^{]*{(.*)}:head$', known_head },
  sessions = { 'session:{*}', ':session:{(%x+)}$', function(key) return redis.call('HGET', key, 'node') end },
  nodes = { 'node:*', ':node:([%w._-]+)$', function(key) return redis.call('GET', key) end },
}

-- ARGS: prefix, what, cursor of a scan, keys to look at [pattern of channels]. Lists channels, sessions or nodes. Returns the next cursor,
-- then for each that it found its name and what is known of it. It may return one twice.
local function list(keys, args)
  refuse_as_replica()
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
    if name == 'fence' then
      refuse_departed(keys[1], value)
    elseif name == 'node' then
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

-- KEYS: rate. ARGS: the microseconds in which what somebody used comes back; the most microseconds that somebody may owe, whatever the key
-- says, because a clock that went back must make nobody owe years. Returns the microseconds until there is all again.
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

-- Writes nothing. Redis takes it for a function that writes, and refuses it where it refuses all writes: on a replica, with a full memory,
-- a disk that fails, or too few replicas. It names no key, so that nodes can ask every master of a cluster. Returns by which policy Redis
-- evicts keys, or nothing if it evicts none or this user may not ask.
local function writable()
  -- Nodes may ask, and call this again and again.
  learn_clustered()
  local facts = redis.pcall('INFO', 'memory')
  if type(facts) ~= 'string' or string.find(facts, '\nmaxmemory:0\r') then return '' end
  local policy = string.match(facts, '\nmaxmemory_policy:([%w-]+)') or ''
  return policy == 'noeviction' and '' or policy
end

-- Moves

-- The kinds of what is taken along: each part of it is told as its kind, what stands behind the key's name, the milliseconds that it is
-- kept, how many values there are, and these.
local function add_part(parts, kind, ending, milliseconds, values)
  if not values[1] then return end
  local place = #parts
  parts[place + 1], parts[place + 2] = kind, ending
  parts[place + 3], parts[place + 4] = string.format('%.0f', milliseconds), tostring(#values)
  for index, value in ipairs(values) do parts[place + 4 + index] = value end
end

-- Milliseconds that a key is kept; a user that may not ask is told the usual.
local function milliseconds_left(key, usual)
  local left = redis.pcall('PTTL', key)
  return type(left) == 'number' and left > 0 and left or usual
end

local function add_hash(parts, key, ending, usual)
  add_part(parts, 'hash', ending, milliseconds_left(key .. ending, usual), redis.call('HGETALL', key .. ending))
end

local function add_log(parts, key)
  local values = {}
  for _, raw in ipairs(redis.call('XRANGE', key, '-', '+')) do
    local entry = read_entry(raw)
    for index = 1, 5 do values[#values + 1] = entry[index] or '' end
  end
  add_part(parts, 'log', '', milliseconds_left(key, HISTORY_MILLISECONDS), values)
end

local function add_members(parts, key, usual)
  local members = redis.call('ZRANGEBYSCORE', key .. ':presence', '-inf', '+inf', 'WITHSCORES')
  add_part(parts, 'scores', ':presence', milliseconds_left(key .. ':presence', usual), members)
  add_hash(parts, key, ':members', usual)
end

local function departure(state, position, kept_until, master)
  return string.format('%s %s %.0f %s', state, position, kept_until, master)
end

local function depart_channel(key, args)
  local head, now = redis.call('GET', key .. ':head'), now_milliseconds()
  local state, position, kept_until = read_departure(head)
  if not state then
    position, kept_until = newest(key), now + milliseconds_left(key .. ':head', HEAD_MILLISECONDS)
  end
  local parts = { position }
  if state ~= 'gone' then
    if position ~= '0-0' then
      add_part(parts, 'text', ':head', math.max(kept_until - now, 1), { head_of(position, read_keyed(key)) })
    end
    add_log(parts, key)
    add_hash(parts, key, ':keys', HEAD_MILLISECONDS)
    add_hash(parts, key, ':counts', tonumber(args[2]))
    add_members(parts, key, tonumber(args[2]))
  end
  for index = 3, #args do
    local text, left = redis.call('GET', key .. args[index]), milliseconds_left(key .. args[index], ONCE_MILLISECONDS)
    if text then add_part(parts, 'text', args[index], left, { text }) end
  end
  local note = departure(state or 'leaving', position, kept_until, args[1])
  redis.call('SET', key .. ':head', note, 'PX', CHANNEL_LEFT_MILLISECONDS)
  if state == 'gone' and not parts[2] then return {} end
  return parts
end

local function depart_session(key, args)
  local fields, session, now = redis.call('HGETALL', key), {}, now_milliseconds()
  for index = 1, #fields, 2 do session[fields[index]] = fields[index + 1] end
  local state, position, kept_until = read_departure(session.fence)
  if state == 'gone' then return {} end
  if not state then
    position = string.format('%.0f-0', read_fence(key) or 0)
    kept_until = now + milliseconds_left(key, tonumber(args[2]))
    redis.call('HSET', key, 'fence', departure('leaving', position, kept_until, args[1]))
    redis.call('PEXPIRE', key, math.max(kept_until - now, SESSION_LEFT_MILLISECONDS))
  end
  local parts, values = { position }, {}
  if not session.secret then return parts end
  session.fence = string.match(position, '^%d+')
  for name, value in pairs(session) do
    values[#values + 1] = name
    values[#values + 1] = value
  end
  add_part(parts, 'hash', '', math.max(kept_until - now, 1), values)
  return parts
end

-- KEYS: channel or session. ARGS: the master, milliseconds to keep something for if this user may not ask for how long it is kept, then
-- endings of further keys of the channel. Takes a channel or session out of use here, because it belongs to another master from now on.
-- Returns all there is of it, as `arrive` takes it, and nothing once it has arrived. It returns the same to a node that asks again, because
-- one that asked before may have died with the answer.
local function depart(keys, args)
  if is_channel(keys[1]) then return depart_channel(keys[1], args) end
  return depart_session(keys[1], args)
end

-- Puts back what is not here: what is, was written since.
local function put_part(key, kind, ending, milliseconds, values)
  local name = key .. ending
  if kind == 'text' then
    redis.call('SET', name, values[1], 'NX', 'PX', milliseconds)
    return
  elseif kind == 'log' then
    for index = 1, #values, 5 do
      local position, previous, letter, payload, about = unpack(values, index, index + 4)
      local words = { 'XADD', name, position, 'v', previous, 't', letter, 'p', payload }
      if about ~= '' then words[10], words[11] = 'k', about end
      local reply = redis.pcall(unpack(words))
      if type(reply) == 'table' and reply.err and not string.find(reply.err, 'equal or smaller', 1, true) then error(reply) end
    end
  elseif kind == 'hash' then
    for index = 1, #values, 2 do
      if not redis.call('HGET', name, values[index]) then redis.call('HSET', name, values[index], values[index + 1]) end
    end
  elseif kind == 'scores' then
    for index = 1, #values, 2 do redis.call('ZADD', name, 'NX', values[index + 1], values[index]) end
  end
  redis.call('PEXPIRE', name, milliseconds)
end

-- Where a channel or session stands here, and what that is kept in.
local function standing(key)
  if is_channel(key) then return (read_head(redis.call('GET', key .. ':head') or last_entry(key))) end
  local fence = redis.call('HGET', key, 'fence')
  return fence and (whole(fence, 0, EXACT) and fence .. '-0' or fence) or '0-0'
end

-- It is here again as it left: it never got away, or the other master lost it.
local function come_back(key, position, kept_until)
  if is_channel(key) then
    local left = math.max(kept_until - now_milliseconds(), 1)
    redis.call('SET', key .. ':head', head_of(position, read_keyed(key)), 'PX', string.format('%.0f', left))
  elseif redis.call('HGET', key, 'secret') then
    redis.call('HSET', key, 'fence', (string.match(position, '^%d+')))
  else
    redis.call('DEL', key)
  end
end

-- KEYS: channel or session. ARGS: as `depart` returned them. Takes what departed from another master. What has arrived before stays as it
-- is, whatever happened to it since. Returns 1.
local function arrive(keys, args)
  local key, position = keys[1], args[1]
  local here = standing(key)
  local state, before, kept_until = read_departure(here)
  if not state and not read_position(here) then refuse_broken(is_channel(key) and 'head' or 'fence', key) end
  local is_newer = follows(position, before or here)
  if state == 'gone' or is_newer then redis.call('DEL', key, key .. ':head', key .. ':keys') end
  if state and not is_newer then come_back(key, before, kept_until) end
  local takes_all = state or is_newer or position == '0-0'
  local index = 2
  while index < #args do
    local kind, ending, milliseconds, count = args[index], args[index + 1], args[index + 2], tonumber(args[index + 3])
    local values = {}
    for place = 1, count do values[place] = args[index + 3 + place] end
    if takes_all or kind == 'text' and ending ~= ':head' then put_part(key, kind, ending, milliseconds, values) end
    index = index + 4 + count
  end
  return 1
end

-- KEYS: channel or session. ARGS: endings of further keys of the channel that have arrived. Deletes what is left here of what has arrived
-- at its new master. Returns 1, or 0 if it has not departed.
local function forget(keys, args)
  local key = keys[1]
  local state, position, kept_until, master = read_departure(standing(key))
  if not state then return 0 end
  local note = departure('gone', position, kept_until, master)
  redis.call('DEL', key)
  if is_channel(key) then
    redis.call('DEL', key .. ':keys', key .. ':counts', key .. ':presence', key .. ':members')
    for _, ending in ipairs(args) do redis.call('DEL', key .. ending) end
    redis.call('SET', key .. ':head', note, 'PX', CHANNEL_LEFT_MILLISECONDS)
  else
    redis.call('HSET', key, 'fence', note)
    redis.call('PEXPIRE', key, SESSION_LEFT_MILLISECONDS)
  end
  return 1
end

-- KEYS: revocations. ARGS: those of another master, each with its end, as `revocations` returned them. Adds them here. Returns 1.
local function copy_revocations(keys, args)
  for index = 1, #args - 1, 2 do redis.call('ZADD', keys[1], args[index + 1], args[index]) end
  return 1
end

-- The nodes that know what is planned, each of which says so with its signs of life: how many, and the first by name.
local function knowing_nodes(key, plan, now)
  local fields, count, first = redis.call('HGETALL', key), 0, nil
  for index = 1, #fields, 2 do
    local node = string.match(fields[index], '^node (.*)$')
    local of, lease_end = string.match(fields[index + 1], '^(%S+) (%d+)$')
    if node and (tonumber(lease_end) or 0) <= now then
      redis.call('HDEL', key, fields[index])
    elseif node and of == plan then
      count = count + 1
      if not first or node < first then first = node end
    end
  end
  return count, first
end

-- KEYS: moves, the nodes' pub/sub channel. ARGS: the plan, node, lease in milliseconds, keys that it found left to move, or nothing [the
-- masters that there are to be]. Notes that a node knows the plan. Once all nodes that listen at this master have known it for twice as
-- long as a lease, the move begins, and is not stopped any more: a node that comes later and does not know the plan is refused what has
-- moved. Returns whether it has begun, whether this node is the one that looks for what is left, and how much was left when a node looked
-- last, or -1.
local function plan_moves(keys, args)
  local key, plan, node, now, lease = keys[1], args[1], args[2], now_milliseconds(), tonumber(args[3])
  redis.call('HSET', key, 'node ' .. node, string.format('%s %.0f', plan, now + lease))
  if not redis.call('HGET', key, 'masters') then redis.call('PEXPIRE', key, CHANNEL_LEFT_MILLISECONDS) end
  local known, first = knowing_nodes(key, plan, now)
  if redis.call('HGET', key, 'begun') ~= plan then
    local of, since = string.match(redis.call('HGET', key, 'since') or '', '^(%S+) (%d+)$')
    if redis.call('PUBLISH', keys[2], 'moving') > known or of ~= plan then
      redis.call('HSET', key, 'since', string.format('%s %.0f', plan, now))
      return { 0, 0, -1 }
    end
    if now - tonumber(since) < 2 * lease then return { 0, 0, -1 } end
    redis.call('HSET', key, 'begun', plan)
    redis.call('HDEL', key, 'left')
  end
  if args[5] then redis.call('HSET', key, 'masters', args[5]) end
  redis.call('PEXPIRE', key, MILLISECONDS_MAX)
  if args[4] ~= '' then redis.call('HSET', key, 'left', args[4]) end
  return { 1, first == node and 1 or 0, tonumber(redis.call('HGET', key, 'left') or -1) }
end

-- Whether something of a channel or session is here: of one that has arrived at another master only idempotency keys are.
local function is_left(base, ending)
  if string.sub(ending, 1, 6) == ':once:' then return true end
  local note = is_channel(base) and redis.pcall('GET', base .. ':head') or redis.pcall('HGET', base, 'fence')
  return type(note) ~= 'string' or read_departure(note) ~= 'gone'
end

-- ARGS: prefix, cursor of a scan, keys to look at. Returns the next cursor, then the keys of channels and sessions that are here, each in
-- two parts: up to the tag, and what stands behind it.
local function left_keys(keys, args)
  local escaped = string.gsub(args[1] .. ':', '[%[%]%*%?%^%-\\]', '\\%0')
  local page = redis.call('SCAN', args[2], 'MATCH', escaped .. '*{*}*', 'COUNT', args[3])
  local reply = { page[1] }
  for _, key in ipairs(page[2]) do
    local base, ending = string.match(key, '^([^{]*{[^{}]*})(.*)$')
    if base and (is_channel(base) or string.find(base, ':session:{', 1, true)) and is_left(base, ending) then
      reply[#reply + 1] = base
      reply[#reply + 1] = ending
    end
  end
  return reply
end

-- Returns the version of this library.
local function version()
  return VERSION
end

redis.register_function('perseid_publish', publish)
redis.register_function('perseid_clear', clear)
redis.register_function { function_name = 'perseid_history', callback = history, flags = { 'no-writes' } }
redis.register_function { function_name = 'perseid_histories', callback = histories, flags = { 'no-writes', 'allow-cross-slot-keys' } }
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
redis.register_function('perseid_writable', writable)
redis.register_function('perseid_depart', depart)
redis.register_function('perseid_arrive', arrive)
redis.register_function('perseid_forget', forget)
redis.register_function('perseid_copy_revocations', copy_revocations)
redis.register_function('perseid_plan_moves', plan_moves)
redis.register_function { function_name = 'perseid_left_keys', callback = left_keys, flags = { 'no-writes', 'allow-cross-slot-keys' } }
redis.register_function { function_name = 'perseid_version', callback = version, flags = { 'no-writes' } }
