-- SPDX-License-Identifier: MIT
-- The commands :Swarm and :SwarmNew, and their completion. To add a subcommand is to add a row.
local actions = require('swarm.actions')
local state = require('swarm.state')
local util = require('swarm.util')

require('swarm.attention')

local M = {}

-- Each takes the agent's id and the words after it; `text` says that those are asked for.
local subcommands = {
  open = function(id, _, modifiers)
    require('swarm.transcript').open(id, { modifiers = modifiers })
  end,
  send = function(id, text)
    if text == '' then
      actions.ask_and_send(id)
    else
      actions.send(id, text)
    end
  end,
  cancel = actions.cancel,
  kill = actions.kill,
  remove = actions.remove,
  resume = actions.resume,
  approve = actions.approve,
  reject = actions.reject,
}

-- The agent that an id, its beginning, or a name's beginning means.
local function find(prefix)
  local found = state.matching(prefix)
  if state.agents[prefix] then
    return prefix
  elseif #found == 1 then
    return found[1].id
  elseif #found == 0 then
    return nil, 'there is no agent ' .. prefix
  end
  local ids = vim.tbl_map(function(agent)
    return agent.id
  end, found)
  return nil, prefix .. ' could be any of ' .. table.concat(ids, ', ')
end

-- The agent whose buffer this is.
local function current()
  local id = vim.api.nvim_buf_get_name(0):match('^swarm://agent/([^/]+)')
  if not id and vim.bo.filetype == 'swarm' then
    id = require('swarm.dashboard').agent_here()
  end
  return id
end

local function run(subcommand, prefix, text, modifiers)
  if prefix == '' then
    local id = current()
    if not id then
      util.notify('which agent? Give the beginning of its id', 'warning')
      return
    end
    subcommand(id, text, modifiers)
    return
  end
  local function with_list()
    local id, problem = find(prefix)
    if id then
      subcommand(id, text, modifiers)
    else
      util.notify(problem, 'error')
    end
  end
  if state.loaded then
    with_list()
  else
    state.refresh(function(err)
      if err then
        util.report(err)
      else
        with_list()
      end
    end)
  end
end

--- :Swarm [subcommand [agent [text]]]
function M.swarm(command)
  local name, rest = command.arguments:match('^(%S*)%s*(.*)$')
  if name == '' then
    require('swarm.dashboard').open(command.modifiers)
  elseif name == 'new' then
    M.new({ arguments = rest, modifiers = command.modifiers, range = { 0, 0, 0 } })
  elseif subcommands[name] then
    local prefix, text = rest:match('^(%S*)%s*(.*)$')
    run(subcommands[name], prefix, text, command.modifiers)
  else
    util.notify('there is no :Swarm ' .. name .. '; see :help :Swarm', 'error')
  end
end

--- :[range]SwarmNew [task]. range: { how many numbers were given, first, last }
function M.new(command)
  local context
  if command.range[1] > 0 then
    local buffer = vim.api.nvim_get_current_buf()
    context = require('swarm.context').lines(buffer, command.range[2], command.range[3])
  end
  local task = vim.trim(command.arguments)
  if task == '' then
    require('swarm.task').open({ context = context, modifiers = command.modifiers })
    return
  end
  actions.spawn({ task = task, context = context and { context } }, function(agent)
    require('swarm.transcript').open(agent.id, { modifiers = command.modifiers, started = true })
  end)
end

local function beginning_with(lead, words)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

function M.complete(lead, line, position)
  local before = vim.split(line:sub(1, position), '%s+', { trimempty = false })
  if #before <= 2 then
    local names = vim.tbl_keys(subcommands)
    table.insert(names, 'new')
    table.sort(names)
    return beginning_with(lead, names)
  elseif #before == 3 and subcommands[before[2]] then
    return beginning_with(
      lead,
      vim.tbl_map(function(agent)
        return agent.id
      end, state.matching(''))
    )
  end
  return {}
end

return M
