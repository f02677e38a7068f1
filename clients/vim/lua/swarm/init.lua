-- SPDX-License-Identifier: MIT
-- The module that configurations use. Nothing here has to be called: the commands do without.
local M = {}

--- The same as setting g:swarm, for those who keep their configuration in Lua.
function M.setup(options)
  vim.g.swarm = vim.tbl_extend('force', type(vim.g.swarm) == 'table' and vim.g.swarm or {}, options or {})
end

--- Shows the dashboard.
function M.dashboard()
  require('swarm.commands').swarm({ arguments = '', modifiers = '' })
end

--- Starts an agent with a task; without one, opens the buffer to write it in.
function M.new(task)
  require('swarm.commands').new({ arguments = task or '', modifiers = '', range = { 0, 0, 0 } })
end

--- For a status line: how many agents need an answer and work, or '' when none does either. It
--- starts no server.
function M.statusline()
  if not package.loaded['swarm.state'] then
    return ''
  end
  local waiting, working = 0, 0
  for _, agent in pairs(require('swarm.state').agents) do
    waiting = waiting + (agent.state == 'waiting' and 1 or 0)
    working = working + (require('swarm.state').active[agent.state] and 1 or 0)
  end
  local parts = {}
  if waiting > 0 then
    table.insert(parts, waiting .. '?')
  end
  if working > 0 then
    table.insert(parts, working .. '●')
  end
  return #parts > 0 and 'swarm ' .. table.concat(parts, ' ') or ''
end

return M
