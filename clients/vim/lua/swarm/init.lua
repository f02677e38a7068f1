-- SPDX-License-Identifier: MIT
-- The module that configurations use. Nothing here has to be called: the commands do without.
local M = {}

--- The same as setting g:swarm, for those who keep their configuration in Lua.
function M.setup(options)
  vim.g.swarm = vim.tbl_extend('force', type(vim.g.swarm) == 'table' and vim.g.swarm or {}, options or {})
end

--- Shows the dashboard.
function M.dashboard()
  vim.cmd('Swarm')
end

--- Starts an agent with a task; without one, opens the buffer to write it in.
function M.new(task)
  vim.fn['swarm#command#new'](task or '', { modifiers = '', bang = false, range = { 0, 0, 0 } })
end

--- For a status line: how many open questions there are and how many agents work, or ''. It starts
--- no server.
function M.statusline()
  return vim.fn['swarm#statusline']()
end

return M
