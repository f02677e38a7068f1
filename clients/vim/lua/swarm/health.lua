-- SPDX-License-Identifier: MIT
-- :checkhealth swarm
local M = {}

local health = vim.health or require('health') -- the latter in Neovim 0.7
local start = health.start or health.report_start
local report = {
  ok = health.ok or health.report_ok,
  warn = health.warn or health.report_warn,
  error = health.error or health.report_error,
}

function M.check()
  start('swarm')
  for _, entry in ipairs(vim.fn['swarm#health#report']()) do
    report[entry[1]](entry[2])
  end
end

return M
