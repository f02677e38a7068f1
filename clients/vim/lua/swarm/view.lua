-- SPDX-License-Identifier: MIT
-- Buffers that show something and the windows they are in: shared by dashboard and transcripts.
--
-- A view's lines are changed through update() only, which touches no line that stays as it is.
local M = {}

local api = vim.api

M.namespace = api.nvim_create_namespace('swarm')

local groups = {
  SwarmTitle = 'Title',
  SwarmDim = 'Comment',
  SwarmKey = 'Special',
  SwarmActive = 'DiagnosticInfo',
  SwarmWaiting = 'DiagnosticWarn',
  SwarmDone = 'String',
  SwarmFailed = 'DiagnosticError',
  SwarmUser = 'Statement',
  SwarmReasoning = 'Comment',
  SwarmTool = 'Function',
  SwarmOutput = 'NonText',
  SwarmAdded = 'DiffAdd',
  SwarmRemoved = 'DiffDelete',
  SwarmHeading = 'Title',
  SwarmCode = 'Constant',
}

local function define_highlights()
  for name, link in pairs(groups) do
    vim.cmd(string.format('highlight default link %s %s', name, link))
  end
end

-- A colour scheme that is chosen later clears them.
define_highlights()
local augroup = api.nvim_create_augroup('SwarmView', {})
api.nvim_create_autocmd('ColorScheme', { group = augroup, callback = define_highlights })

local function named(name)
  for _, buffer in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_get_name(buffer) == name then
      return buffer
    end
  end
end

--- The loaded buffer of that name, or nil.
function M.find(name)
  local buffer = named(name)
  return buffer and api.nvim_buf_is_loaded(buffer) and buffer or nil
end

--- The buffer of that name; a new one gets the options and setup(buffer) once.
function M.buffer(name, filetype, setup)
  local buffer = named(name)
  if buffer and api.nvim_buf_is_loaded(buffer) then
    return buffer
  elseif buffer then
    -- Unloaded by :bdelete, which has taken its text, keys and autocommands away.
    api.nvim_buf_delete(buffer, { force = true })
  end
  buffer = api.nvim_create_buf(false, true)
  api.nvim_buf_set_name(buffer, name)
  vim.bo[buffer].buftype = 'nofile'
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].bufhidden = 'hide'
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].undolevels = -1
  setup(buffer)
  -- Last, so that people's FileType autocommands see all and may change it.
  vim.bo[buffer].filetype = filetype
  return buffer
end

function M.map(buffer, keys, action, description)
  for _, key in ipairs(type(keys) == 'table' and keys or { keys }) do
    vim.keymap.set('n', key, action, { buffer = buffer, nowait = true, silent = true, desc = description })
  end
end

--- The windows that show the buffer, of all tab pages.
function M.windows(buffer)
  return vim.fn.win_findbuf(buffer)
end

--- The window of this tab page that shows the buffer, or nil.
function M.window_here(buffer)
  for _, window in ipairs(api.nvim_tabpage_list_wins(0)) do
    if api.nvim_win_get_buf(window) == buffer then
      return window
    end
  end
end

--- Options of a window for as long as it shows this buffer.
function M.window_options(window, options)
  api.nvim_win_call(window, function()
    for _, option in ipairs(options) do
      vim.cmd('setlocal ' .. option)
    end
  end)
end

--- Closes a window; the last one shows an empty buffer instead.
function M.close(window)
  if not api.nvim_win_is_valid(window) then
    return
  end
  local ok = pcall(api.nvim_win_close, window, false)
  if not ok then
    api.nvim_win_call(window, function()
      vim.cmd('enew')
    end)
  end
end

-- How many of the marks from that index on paint whole lines, one below the other, alike.
local function run_length(marks, index)
  local mark, count = marks[index], 1
  while not mark.from and not mark.to do
    local next_mark = marks[index + count]
    if
      not next_mark
      or next_mark.from
      or next_mark.to
      or next_mark.group ~= mark.group
      or next_mark.line ~= mark.line + count
    then
      break
    end
    count = count + 1
  end
  return count
end

local function put_marks(buffer, first, lines, marks)
  local index = 1
  while index <= #marks do
    local mark, count = marks[index], run_length(marks, index)
    local last = mark.line + count - 1
    local length = #lines[last + 1]
    api.nvim_buf_set_extmark(buffer, M.namespace, first + mark.line, math.min(mark.from or 0, #lines[mark.line + 1]), {
      end_row = first + last,
      end_col = math.min(mark.to or length, length),
      hl_group = mark.group,
    })
    index = index + count
  end
end

local function changed_range(old, new)
  local head = 0
  while head < #old and head < #new and old[head + 1] == new[head + 1] do
    head = head + 1
  end
  local tail = 0
  while tail < #old - head and tail < #new - head and old[#old - tail] == new[#new - tail] do
    tail = tail + 1
  end
  return head, tail
end

--- Gives lines that stand at `first` their highlights, instead of those they had. marks is a list of
--- { line = (from 0, relative to first), from, to (bytes), group }.
function M.mark(buffer, first, lines, marks)
  api.nvim_buf_clear_namespace(buffer, M.namespace, first, first + #lines)
  put_marks(buffer, first, lines, marks)
end

--- Makes the lines that stand at `first` (from 0) and were `old` become `new`, with their marks.
--- Returns whether a line changed.
function M.update(buffer, first, old, new, marks)
  local head, tail = changed_range(old, new)
  if head == #old and head == #new then
    return false
  end
  vim.bo[buffer].modifiable = true
  if #old == #new then
    -- Line by line, for those between the first and the last that stay.
    for index = head + 1, #new - tail do
      if old[index] ~= new[index] then
        api.nvim_buf_set_lines(buffer, first + index - 1, first + index, true, { new[index] })
      end
    end
  else
    local middle = vim.list_slice(new, head + 1, #new - tail)
    api.nvim_buf_set_lines(buffer, first + head, first + #old - tail, true, middle)
  end
  vim.bo[buffer].modifiable = false
  M.mark(
    buffer,
    first + head,
    vim.list_slice(new, head + 1, #new - tail),
    vim.tbl_map(
      function(mark)
        return { line = mark.line - head, from = mark.from, to = mark.to, group = mark.group }
      end,
      vim.tbl_filter(function(mark)
        return mark.line >= head and mark.line < #new - tail
      end, marks)
    )
  )
  return true
end

return M
