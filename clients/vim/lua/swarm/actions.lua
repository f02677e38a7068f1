-- SPDX-License-Identifier: MIT
-- What a person does to an agent, by whatever key or command: asks what has to be asked, makes the
-- request, and shows why it failed.
local config = require('swarm.config')
local connection = require('swarm.connection')
local state = require('swarm.state')
local util = require('swarm.util')

local M = {}

local function name_of(id)
  return state.agents[id] and state.name(state.agents[id]) or id
end

local function confirm(question, yes, done)
  vim.ui.select({ 'No', yes }, { prompt = question, kind = 'swarm-confirm' }, function(choice)
    if choice == yes then
      done()
    end
  end)
end

-- A request about one agent whose answer may be its new snapshot.
local function request(method, id, what, done)
  connection.request(method, { agentId = id }, function(err, result)
    if err then
      util.report(err, what .. ' ' .. name_of(id))
      return
    end
    if type(result) == 'table' and result.agent then
      state.put(result.agent)
    end
    if done then
      done()
    end
  end)
end

--- Starts an agent: task { task, context? }. done(agent) comes when it is durable; failed(err) when
--- it is not to be, after that was shown.
function M.spawn(task, done, failed)
  local params = {
    task = task.task,
    context = task.context,
    cwd = vim.fn.getcwd(),
    scope = connection.scope,
  }
  for _, option in ipairs({ 'model', 'mode', 'isolation', 'base' }) do
    params[option] = config.get(option)
  end
  connection.request('swarm/spawn', params, function(err, result)
    if err then
      util.report(err, 'no agent was started')
      if failed then
        failed(err)
      end
      return
    end
    state.put(result.agent)
    util.notify('started ' .. result.agent.id)
    done(result.agent)
  end)
end

--- Sends a message. done(err) tells how it went; a failure was shown by then.
function M.send(id, text, done)
  connection.request('swarm/send', { agentId = id, text = text }, function(err, result)
    if err then
      util.report(err, 'not sent to ' .. name_of(id))
    elseif result.delivery == 'queued' then
      util.notify(string.format('queued for %s (place %d)', name_of(id), result.position or 1))
    end
    if done then
      done(err)
    end
  end)
end

function M.ask_and_send(id)
  vim.ui.input({ prompt = 'To ' .. name_of(id) .. ': ' }, function(text)
    if text and vim.trim(text) ~= '' then
      M.send(id, text)
    end
  end)
end

function M.cancel(id)
  request('swarm/cancel', id, 'cancelling')
end

function M.resume(id)
  request('swarm/resume', id, 'resuming')
end

local ended = { done = true, failed = true, killed = true }

function M.kill(id)
  local agent = state.agents[id]
  if agent and ended[agent.state] then
    util.notify(name_of(id) .. ' has ended: there is nothing to kill')
    return
  end
  confirm('Kill ' .. name_of(id) .. ' and all that it started?', 'Kill it', function()
    request('swarm/kill', id, 'killing')
  end)
end

-- What a person can overrule: there is work that nothing else has, or the agent is at something.
local overruled = { dirty = true, wrongState = true }

local function remove(id, force)
  connection.request('swarm/remove', { agentId = id, force = force or nil }, function(err)
    if not err then
      util.notify('removed ' .. id)
      return
    end
    if force or not overruled[err.data and err.data.kind] then
      util.report(err, 'removing ' .. name_of(id))
      return
    end
    confirm(err.message .. '. Remove it all the same? Its work is lost.', 'Remove it and its work', function()
      remove(id, true)
    end)
  end)
end

function M.remove(id)
  confirm('Remove ' .. name_of(id) .. ' and its worktree?', 'Remove it', function()
    remove(id)
  end)
end

function M.approve(id)
  require('swarm.approval').answer(id, true)
end

function M.reject(id)
  require('swarm.approval').answer(id, false)
end

return M
