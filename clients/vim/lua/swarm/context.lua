-- SPDX-License-Identifier: MIT
-- Lines of a buffer as context for an agent: where they are, and their text as it is in the editor,
-- saved or not.
local M = {}

local api = vim.api

local function uri_of(buffer)
  if api.nvim_buf_get_name(buffer) == '' then
    return 'untitled:' .. buffer
  end
  return vim.uri_from_bufnr(buffer)
end

-- Positions are UTF-16. A range of whole lines ends at the beginning of the line after it, or, at
-- the buffer's end, behind the last character.
local function range_end(buffer, last)
  if last < api.nvim_buf_line_count(buffer) then
    return { line = last, character = 0 }
  end
  local text = api.nvim_buf_get_lines(buffer, last - 1, last, true)[1]
  local _, units = vim.str_utfindex(text)
  return { line = last - 1, character = units }
end

--- Lines first to last (from 1) of a buffer, as swarm/spawn takes them.
function M.lines(buffer, first, last)
  local text = table.concat(api.nvim_buf_get_lines(buffer, first - 1, last, true), '\n') .. '\n'
  return {
    uri = uri_of(buffer),
    range = { start = { line = first - 1, character = 0 }, ['end'] = range_end(buffer, last) },
    text = text,
  }
end

--- The same for people: "lines 3 to 9 of core/agent.c".
function M.describe(context)
  local first = context.range.start.line + 1
  local last = context.range['end'].character == 0 and context.range['end'].line or context.range['end'].line + 1
  local name = context.uri:match('^file:') and vim.fn.fnamemodify(vim.uri_to_fname(context.uri), ':.') or 'this buffer'
  if first >= last then
    return string.format('line %d of %s', first, name)
  end
  return string.format('lines %d to %d of %s', first, last, name)
end

return M
