-- SPDX-License-Identifier: MIT
-- The keys of a buffer, read from its mappings, in a small window.
local view = require('swarm.view')

local M = {}

local api = vim.api

local function key_lines(buffer)
  local keys_of, order = {}, {}
  for _, map in ipairs(api.nvim_buf_get_keymap(buffer, 'n')) do
    if map.desc and not map.lhs:find('Mouse') then
      if not keys_of[map.desc] then
        keys_of[map.desc] = {}
        table.insert(order, map.desc)
      end
      table.insert(keys_of[map.desc], map.lhs)
    end
  end
  local lines = {}
  for _, description in ipairs(order) do
    local keys = keys_of[description]
    table.sort(keys)
    table.insert(lines, string.format(' %-12s %s ', table.concat(keys, ' '), description))
  end
  table.sort(lines)
  table.insert(lines, '')
  table.insert(lines, ' :help swarm   tells the rest ')
  return lines
end

function M.show(buffer)
  local lines = key_lines(buffer)
  local help = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(help, 0, -1, false, lines)
  vim.bo[help].modifiable = false
  vim.bo[help].bufhidden = 'wipe'
  local width = 20
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  local window = api.nvim_open_win(help, true, {
    relative = 'cursor',
    row = 1,
    col = 0,
    width = width,
    height = #lines,
    style = 'minimal',
    border = 'rounded',
  })
  local function close()
    view.close(window)
  end
  view.map(help, { 'q', '<Esc>', '<CR>', 'g?' }, close, 'close')
  api.nvim_create_autocmd('BufLeave', { buffer = help, once = true, callback = vim.schedule_wrap(close) })
end

return M
