-- The rules of ledger.py within Redis, in its own time: a turn is a part of one call, and holds nothing afterwards.
-- What is here is said there; both are held against each other on the same schedules.
--
-- KEYS are the ledgers' names. ARGV is the time ("" for the server's; tests give their own), "1" where the server has
-- just lost what it knew, and ten values for each turn: which of KEYS, what to do, who, "1" for bulk work, the request's
-- number, seconds, "1" where another waits behind it, and the limit's requests ("" for none), window and reserve.
-- To do is "look", which enters the request where it may start, "leave", "move" (to so many seconds from now), "forget",
-- "pause", "resume", "show" or "return" (of one who was without it).

local SHARE, SPREAD, ABOUT, LATE, NEGLIGIBLE = 5, 0.95, 60, 0.005, 1e-6
local GRACE, STAGGER, SOON, AGAIN, FORGOTTEN_AFTER = 0.025, 0.002, 0.01, 0.004, 60
local HELD_FOR, MOST_LIMITS, LONGEST_PAUSE = 120, 16, 60
-- Seconds for which a ledger that nobody asks for is kept. One that isn't there counts as full, which costs a second.
local KEPT_FOR = 604800

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end

-- A start is {moment, number}, a waiter {id, is bulk, look_at}, a limit {requests, window, reserve, until}. Ids and
-- numbers are strings: they are too large for Lua.

local function enter(l, moment, number)
  local place = #l.starts
  while place > 0 do
    local other = l.starts[place]
    if other[1] < moment or (other[1] == moment and tonumber(other[2]) <= tonumber(number)) then
      break
    end
    place = place - 1
  end
  table.insert(l.starts, place + 1, {moment, number})
end

local function forget(l, number)
  for place, start in ipairs(l.starts) do
    if start[2] == number then
      table.remove(l.starts, place)
      return
    end
  end
end

local function place_of(l, who, bulk)
  for place, waiter in ipairs(l.waiters) do
    if waiter[1] == who and waiter[2] == bulk then
      return place
    end
  end
end

-- The limit that holds for all; nil where there is none.
local function agree(l, given)
  local held = {}
  for _, known in ipairs(l.limits) do
    local is_given = given and known[1] == given[1] and known[2] == given[2] and known[3] == given[3]
    if known[4] > now and not is_given then
      -- The server's clock was set back, or else none would be held for so long.
      known[4] = math.min(known[4], now + HELD_FOR)
      table.insert(held, known)
    end
  end
  if given then
    table.insert(held, {given[1], given[2], given[3], now + HELD_FOR})
    if #held > MOST_LIMITS then
      table.remove(held, 1)
    end
  end
  l.limits = held
  if #held == 0 then
    return nil
  end
  local limit = {requests = math.huge, window = 0, reserve = 0, longest = 0}
  for _, known in ipairs(held) do
    limit.requests = math.min(limit.requests, known[1])
  end
  for _, known in ipairs(held) do
    limit.window = math.max(limit.window, known[2] / math.floor(known[1] / limit.requests))
    limit.reserve = math.max(limit.reserve, math.min(known[3], limit.requests - 1))
    limit.longest = math.max(limit.longest, known[2])
  end
  return limit
end

-- By one limit, where one waits for `wait` in any case.
local function wait_for_place(l, requests, window, ahead, wait)
  local excess = #l.starts + ahead % requests - requests
  if excess >= 0 then
    local moment = l.starts[excess + 1][1]
    if moment > now - window + NEGLIGIBLE then
      wait = math.max(wait, math.min(moment, now) + window - now)
    end
  end
  return wait + math.floor(ahead / requests) * window
end

local function expected_wait(l, limit, ahead)
  local wait = math.max(l.paused_until - now, 0)
  if not limit then
    return wait
  end
  local expected = wait_for_place(l, limit.requests, limit.window, ahead, wait)
  for _, held in ipairs(l.limits) do
    expected = math.max(expected, wait_for_place(l, held[1], held[2], ahead, wait))
  end
  return expected
end

-- How many are to start before `mine`, of all who are expected or of those who are about to come, and how many of these
-- are bulk.
local function count_ahead(l, mine, all)
  local interactive, bulk, before_mine, is_before = 0, 0, 0, true
  for _, waiter in ipairs(l.waiters) do
    if waiter == mine then
      is_before = false
    end
    if waiter == mine or (now <= waiter[3] + GRACE and (all or waiter[3] <= now + SOON)) then
      if is_before and waiter[2] == mine[2] then
        before_mine = before_mine + 1
      end
      if waiter[2] then
        bulk = bulk + 1
      else
        interactive = interactive + 1
      end
    end
  end
  local since, ahead, bulk_ahead = l.since_bulk, 0, 0
  while true do
    local interactive_ahead = ahead - bulk_ahead
    if bulk_ahead < bulk and (interactive_ahead >= interactive or since >= SHARE - 1) then
      if mine[2] and bulk_ahead == before_mine then
        return ahead, bulk_ahead
      end
      bulk_ahead = bulk_ahead + 1
      since = 0
    else
      if not mine[2] and interactive_ahead == before_mine then
        return ahead, bulk_ahead
      end
      since = since + 1
    end
    ahead = ahead + 1
  end
end

-- Seconds until `who` is to look again; 0 where it may start.
local function look(l, limit, who, bulk)
  while limit and l.starts[1] and l.starts[1][1] <= now - limit.longest + NEGLIGIBLE do
    table.remove(l.starts, 1)
  end
  local place = expected_wait(l, limit, 0)
  local wait = place
  if not bulk then
    l.interactive_at = now
  elseif limit and l.since_bulk < SHARE - 1 and now < l.interactive_at + ABOUT then
    local to_spread = l.let_go_at + SPREAD * limit.window / limit.requests - now
    if to_spread <= NEGLIGIBLE then
      to_spread = 0
    end
    wait = math.max(expected_wait(l, limit, limit.reserve), to_spread)
  end
  if wait <= 0 and #l.waiters == 0 then
    return 0
  end
  local at = place_of(l, who, bulk)
  if not at then
    table.insert(l.waiters, {who, bulk, now})
    at = #l.waiters
  end
  local mine = l.waiters[at]
  for other = #l.waiters, 1, -1 do
    local waiter = l.waiters[other]
    if now > waiter[3] + FORGOTTEN_AFTER and waiter ~= mine then
      table.remove(l.waiters, other)
    end
  end
  local ahead, bulk_ahead = count_ahead(l, mine, place > 0)
  if ahead > 0 and place > 0 then
    wait = math.max(wait, expected_wait(l, limit, ahead - 1))
    if bulk and bulk_ahead < ahead then
      local turns = SHARE - 1 - math.min(l.since_bulk, SHARE - 1) + SHARE * bulk_ahead
      wait = math.min(wait, expected_wait(l, limit, math.max(turns - 1, 0)))
    end
    wait = wait + math.min(STAGGER * ahead, SOON)
  elseif ahead > 0 then
    wait = AGAIN
  end
  if wait <= 0 then
    return 0
  end
  mine[3] = now + wait
  return wait
end

local function start(l, limit, who, bulk, number, again)
  local entry, at = now, place_of(l, who, bulk)
  if at then
    local mine = table.remove(l.waiters, at)
    entry = math.max(math.min(mine[3], now), now - LATE)
    if again then
      mine[3] = now
      table.insert(l.waiters, mine)
    end
  end
  l.let_go_at = now
  l.since_bulk = bulk and 0 or l.since_bulk + 1
  if limit then
    enter(l, entry, number)
  end
end

local function turn(l, act, who, bulk, number, seconds, again, given)
  -- The server's clock was set back, or else nobody would be held up for so long.
  l.paused_until = math.min(l.paused_until, now + LONGEST_PAUSE)
  local limit = agree(l, given)
  local wait = 0
  if act == 'look' then
    wait = look(l, limit, who, bulk)
    if wait == 0 then
      start(l, limit, who, bulk, number, again)
    end
  elseif act == 'leave' then
    local at = place_of(l, who, bulk)
    if at then
      table.remove(l.waiters, at)
    end
  elseif act == 'move' then
    forget(l, number)
    enter(l, now + seconds, number)
  elseif act == 'forget' then
    forget(l, number)
  elseif act == 'pause' then
    local till = now + math.min(seconds, LONGEST_PAUSE)
    if till > l.paused_until then
      l.paused_until = till
      if seconds > LONGEST_PAUSE and limit then
        -- All places but one are taken for a window from then on: one request finds out whether it holds still.
        for _ = 1, limit.requests - 1 do
          enter(l, till, '0')
        end
      end
    end
  elseif act == 'resume' then
    l.paused_until = -math.huge
    -- With those that held places from the end of a long pause on.
    while #l.starts > 0 and l.starts[#l.starts][1] > now and l.starts[#l.starts][2] == '0' do
      table.remove(l.starts)
    end
  elseif act == 'return' and limit and l.let_go_at <= now - limit.window then
    -- Who was without it for a while may not be the only one. Where nobody has drawn on it within a window, others may
    -- still start what is not in here, until they find it too, within so many seconds: no place is free before.
    for _ = 1, limit.requests do
      enter(l, now + seconds - limit.window, '0')
    end
    l.let_go_at = now
  end
  return wait, limit
end

local function text(number)
  return string.format('%.17g', number)
end

local function read(key, given)
  local data = redis.call('GET', key)
  local l = data and cmsgpack.unpack(data)
    or {
      starts = {},
      waiters = {},
      limits = {},
      paused_until = -math.huge,
      let_go_at = -math.huge,
      since_bulk = 0,
      interactive_at = -math.huge,
    }
  if given and (not data or ARGV[2] == '1') then
    -- Nobody knows what was started within the last second.
    for _ = 1, given[1] do
      enter(l, now, '0')
    end
  end
  return l
end

local ledgers, replies = {}, {}
for at = 3, #ARGV, 10 do
  local which, act, who, is_bulk, number, seconds, again, requests, window, reserve = unpack(ARGV, at, at + 9)
  local key = KEYS[tonumber(which)]
  local given = requests ~= '' and {tonumber(requests), tonumber(window), tonumber(reserve)} or nil
  local l = ledgers[key] or read(key, given)
  ledgers[key] = l
  local wait, limit = turn(l, act, who, is_bulk == '1', number, tonumber(seconds), again == '1', given)
  local starts, waiters = {}, {}
  for place, start in ipairs(l.starts) do
    starts[place] = text(start[1])
  end
  for place, waiter in ipairs(l.waiters) do
    waiters[place] = (waiter[2] and '-' or '') .. waiter[1]
  end
  local most, within = limit and limit.requests or '', limit and text(limit.window) or ''
  table.insert(replies, {text(wait), text(now), starts, text(l.paused_until), l.since_bulk, waiters, most, within})
end
for key, l in pairs(ledgers) do
  redis.call('SET', key, cmsgpack.pack(l), 'EX', KEPT_FOR)
end
return replies
