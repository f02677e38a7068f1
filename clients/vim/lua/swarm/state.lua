-- SPDX-License-Identifier: MIT
-- What is known of the agents: the newest snapshot of each, and the newest event number.
local connection = require('swarm.connection')
local event = require('swarm.event')
local util = require('swarm.util')

local M = {
  agents = {}, -- id -> snapshot; a snapshot is replaced, never changed
  seq = 0, -- of the newest event that was seen
  loaded = false, -- was the list read from the server that runs now?
}

local seen -- while the list is read: the ids of agents that are known to be there

--- The states in which an agent is at something, or about to be.
M.active = { queued = true, starting = true, working = true }

function M.put(agent)
  local old = M.agents[agent.id]
  M.agents[agent.id] = agent
  if seen then
    seen[agent.id] = true
  end
  event.emit('agent', agent, old)
end

local function forget(id)
  if M.agents[id] then
    M.agents[id] = nil
    event.emit('removed', id)
  end
end

-- A page at a time: what an event says about an agent meanwhile is as new as its page.
local function read_page(after, done)
  connection.request('swarm/list', { after = after }, function(err, result)
    if err then
      seen = nil
      done(err)
      return
    end
    for _, agent in ipairs(result.agents or {}) do
      M.put(agent)
    end
    M.seq = math.max(M.seq, result.seq or 0)
    if result.next then
      read_page(result.next, done)
      return
    end
    for id in pairs(M.agents) do
      if not seen[id] then
        forget(id)
      end
    end
    seen = nil
    M.loaded = true
    event.emit('agents')
    done(nil)
  end)
end

local callbacks -- while the list is read: who waits for it

--- Reads the list of agents anew. done(err) is optional.
function M.refresh(done)
  if callbacks then
    table.insert(callbacks, done)
    return
  end
  callbacks = { done }
  seen = {}
  read_page(nil, function(err)
    local waiting = callbacks
    callbacks = nil
    for _, callback in ipairs(waiting) do
      callback(err)
    end
  end)
end

--- The agents whose id or name begins with the text; all of them for ''. By age, oldest first.
function M.matching(prefix)
  local found = {}
  for id, agent in pairs(M.agents) do
    if vim.startswith(id, prefix) or (agent.name and vim.startswith(agent.name, prefix)) then
      table.insert(found, agent)
    end
  end
  table.sort(found, function(a, b)
    if a.createdAt ~= b.createdAt then
      return (a.createdAt or '') < (b.createdAt or '')
    end
    return a.id < b.id
  end)
  return found
end

--- What people call an agent.
function M.name(agent)
  return agent.name and agent.name ~= '' and agent.name or agent.id
end

--- The model as provider/model, and whether it is only a script.
function M.model(agent)
  local model = agent.model
  if agent.provider and model and not model:find('/', 1, true) then
    model = agent.provider .. '/' .. model
  end
  if agent.provider == 'demo' then
    return model .. ' (a script, no model)'
  end
  return model
end

function M.tokens(agent)
  local usage = agent.usage or {}
  return (usage.inputTokens or 0) + (usage.outputTokens or 0)
end

-- The server sends the items of this session's agents by itself. Only transcripts that are open
-- want them, and ask for their own: what nobody sees costs the editor nothing.
local function drop_items()
  connection.request('swarm/unsubscribe', { scope = connection.scope }, function(err)
    if err then
      util.report(err, 'following the agents')
    end
  end)
end

-- The editor did not read for so long that nothing more comes. Any subscription goes on from there,
-- with all that had been asked for.
local function catch_up(after)
  local params = { scope = connection.scope, after = after or M.seq, deltas = false }
  connection.request('swarm/subscribe', params, function(err)
    if err then
      util.report(err, 'following the agents again')
    end
  end)
  drop_items()
end

local function apply(events)
  for _, one in ipairs(events) do
    if one.seq then
      M.seq = math.max(M.seq, one.seq)
    end
    if one.type == 'agent' and one.agent then
      M.put(one.agent)
    elseif one.type == 'removed' then
      forget(one.agentId)
    elseif one.type == 'item' or one.type == 'delta' or one.type == 'turn' then
      event.emit('stream', one)
    elseif one.type == 'lagged' then
      catch_up(one.after)
    elseif one.type == 'reset' then
      M.refresh()
      event.emit('reset')
    end
  end
end

event.on('events', apply)

event.on('ready', function()
  drop_items()
  M.refresh(function(err)
    if err then
      util.report(err, 'the list of agents')
    end
  end)
end)

event.on('exit', function()
  M.loaded = false
  callbacks = nil
  seen = nil
end)

return M
