-- SPDX-License-Identifier: MIT
-- Questions, messages and diagnostics as Neovim's own functions have them, for autoload/swarm/nvim.vim.
local M = {}

local levels = { error = vim.log.levels.ERROR, warning = vim.log.levels.WARN, info = vim.log.levels.INFO }

function M.select(items, prompt, kind, key)
  vim.ui.select(items, { prompt = prompt, kind = kind }, function(_, index)
    vim.fn['swarm#nvim#chosen'](key, index and index - 1 or -1)
  end)
end

function M.input(prompt, default, key)
  vim.ui.input({ prompt = prompt, default = default }, function(text)
    vim.fn['swarm#nvim#chosen'](key, text == nil and vim.NIL or text)
  end)
end

-- An error that is shown from within a function has that function's name and line before it.
function M.message(text, level)
  if level == 'error' then
    vim.schedule(function()
      vim.notify(text, levels[level])
    end)
  else
    vim.notify(text, levels[level])
  end
end

local severities = { 'error', 'warning', 'info', 'hint' }

--- What stands in lines first to last (from 1) of a buffer, in their order.
function M.diagnostics(buffer, first, last)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
    local line = diagnostic.lnum + 1
    local last_line = (diagnostic.end_lnum or diagnostic.lnum) + 1
    if line <= last and last_line >= first then
      table.insert(found, {
        lnum = line,
        end_lnum = last_line,
        text = diagnostic.message,
        severity = severities[diagnostic.severity] or 'error',
      })
    end
  end
  table.sort(found, function(a, b)
    return a.lnum < b.lnum
  end)
  return found
end

return M
