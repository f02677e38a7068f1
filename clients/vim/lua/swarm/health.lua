-- SPDX-License-Identifier: MIT
-- :checkhealth swarm
local M = {}

local health = vim.health or require('health') -- the latter in Neovim 0.7
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local warn = health.warn or health.report_warn
local report_error = health.error or health.report_error

local function check_server()
  local command, problem = require('swarm.config').server()
  if not command then
    report_error(problem)
    return
  end
  ok('the server is ' .. table.concat(command, ' '))
  local info = require('swarm.connection').info()
  if not info then
    ok('it does not run; the first command starts it')
  elseif info.ready then
    local about = info.info or {}
    ok(string.format('it runs: %s %s', about.name or '?', about.version or '?'))
  else
    warn('it was started, but has not answered yet')
  end
end

local function check_options()
  local known = { open = { split = true, vsplit = true, tab = true, none = true } }
  local options = type(vim.g.swarm) == 'table' and vim.g.swarm or {}
  if vim.g.swarm ~= nil and type(vim.g.swarm) ~= 'table' then
    report_error('g:swarm is no dictionary: see :help swarm-options')
  elseif options.open and not known.open[options.open] then
    report_error('g:swarm.open is ' .. tostring(options.open) .. '; it takes split, vsplit, tab or none')
  else
    ok('options are good')
  end
end

function M.check()
  start('swarm')
  if vim.fn.has('nvim-0.7.2') == 1 then
    ok('this Neovim is new enough')
  else
    report_error('this Neovim is older than 0.7.2')
  end
  if vim.fn.executable('git') == 1 then
    ok('git is there')
  else
    warn('git was not found: agents work without it, but you will want it to look at their branches')
  end
  check_server()
  check_options()
end

return M
