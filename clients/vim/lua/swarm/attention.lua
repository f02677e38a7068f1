-- SPDX-License-Identifier: MIT
-- Tells people and their configurations when an agent changes state: a message that takes no focus,
-- and the autocommand User SwarmAgentChanged.
local config = require('swarm.config')
local connection = require('swarm.connection')
local event = require('swarm.event')
local state = require('swarm.state')
local util = require('swarm.util')

local function fire(agent, old)
  if vim.fn.exists('#User#SwarmAgentChanged') == 0 then
    return
  end
  local data = { id = agent.id, name = state.name(agent), state = agent.state, old = old and old.state }
  -- Neovim 0.7 has no data in autocommands; the variable is there in all.
  vim.g.swarm_changed = data
  local options = { pattern = 'SwarmAgentChanged', modeline = false }
  if vim.fn.has('nvim-0.8') == 1 then
    options.data = data
  end
  vim.api.nvim_exec_autocmds('User', options)
end

local function message(agent)
  if agent.state == 'waiting' then
    return agent.activity or 'needs an answer', 'warning'
  elseif agent.state == 'failed' then
    return 'failed' .. (agent.error and ': ' .. agent.error.message or ''), 'error'
  elseif agent.state == 'done' then
    return 'done', 'info'
  end
end

event.on('agent', function(agent, old)
  if old and old.state == agent.state then
    return
  end
  fire(agent, old)
  -- An agent that is seen for the first time has not changed: it is from before.
  local own = agent.scope == connection.scope
  if old and own and config.get('notify') and not require('swarm.transcript').visible(agent.id) then
    local text, level = message(agent)
    if text then
      util.notify(state.name(agent) .. ': ' .. text, level)
    end
  end
end)
