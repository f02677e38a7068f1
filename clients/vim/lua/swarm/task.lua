-- SPDX-License-Identifier: MIT
-- The buffer in which a task for a new agent is written. :w or <C-s> starts the agent; the text is
-- given up only when that went well, or by q.
local actions = require('swarm.actions')
local context = require('swarm.context')
local util = require('swarm.util')
local view = require('swarm.view')

local M = {}

local api = vim.api
local NAME = 'swarm://new'
local HEIGHT = 10

local drafts = {} -- buffer -> { context, header, modifiers }

local function header_of(draft)
  local line = '── New agent: write its task below. :w or <C-s> starts it, q gives it up.'
  if draft.context then
    line = line .. ' Goes with it: ' .. context.describe(draft.context) .. '.'
  end
  return line
end

local function task_text(buffer)
  local lines = api.nvim_buf_get_lines(buffer, 0, -1, true)
  if lines[1] == drafts[buffer].header then
    table.remove(lines, 1)
  end
  return vim.trim(table.concat(lines, '\n'))
end

local function discard(buffer)
  drafts[buffer] = nil
  for _, window in ipairs(view.windows(buffer)) do
    view.close(window)
  end
  if api.nvim_buf_is_valid(buffer) then
    api.nvim_buf_delete(buffer, { force = true })
  end
end

local function submit(buffer)
  local draft = drafts[buffer]
  local text = task_text(buffer)
  if text == '' then
    util.notify('write a task first; q gives it up', 'warning')
    return
  end
  if draft.sending then
    return
  end
  draft.sending = true
  vim.bo[buffer].modified = false
  vim.cmd('stopinsert')
  actions.spawn({ task = text, context = draft.context and { draft.context } }, function(agent)
    discard(buffer)
    require('swarm.transcript').open(agent.id, { modifiers = draft.modifiers, started = true })
  end, function()
    draft.sending = false
    if api.nvim_buf_is_valid(buffer) then
      vim.bo[buffer].modified = true
    end
  end)
end

local function setup(buffer)
  vim.bo[buffer].buftype = 'acwrite'
  vim.bo[buffer].modifiable = true
  vim.bo[buffer].undolevels = vim.o.undolevels
  local function here()
    submit(buffer)
  end
  api.nvim_create_autocmd('BufWriteCmd', { buffer = buffer, callback = here })
  vim.keymap.set({ 'n', 'i' }, '<C-s>', here, { buffer = buffer, desc = 'start the agent' })
  view.map(buffer, 'q', function()
    discard(buffer)
  end, 'give it up')
end

-- The header, anew: it names the context. Without a text yet, an empty line to write in, too.
local function put_header(buffer, draft)
  local first = api.nvim_buf_get_lines(buffer, 0, 1, true)[1]
  local modified = vim.bo[buffer].modified
  local has_header = first == draft.header
  local empty = task_text(buffer) == ''
  draft.header = header_of(draft)
  if empty then
    api.nvim_buf_set_lines(buffer, 0, -1, true, { draft.header, '' })
  else
    api.nvim_buf_set_lines(buffer, 0, has_header and 1 or 0, true, { draft.header })
  end
  api.nvim_buf_clear_namespace(buffer, view.namespace, 0, 1)
  api.nvim_buf_set_extmark(buffer, view.namespace, 0, 0, { end_col = #draft.header, hl_group = 'SwarmDim' })
  vim.bo[buffer].modified = modified and not empty
end

--- Opens it. options: context, as context.lines() gives it; modifiers, of the command. A draft that
--- is still there is shown again; a new context replaces its own.
function M.open(options)
  local buffer = view.buffer(NAME, 'swarmtask', setup)
  local draft = drafts[buffer] or {}
  drafts[buffer] = draft
  draft.modifiers = options.modifiers
  draft.context = options.context or draft.context
  put_header(buffer, draft)
  local window = view.window_here(buffer)
  if window then
    api.nvim_set_current_win(window)
  else
    vim.cmd('botright ' .. HEIGHT .. 'split')
    api.nvim_win_set_buf(0, buffer)
    view.window_options(0, { 'wrap', 'linebreak', 'nonumber', 'norelativenumber', 'winfixheight' })
  end
  api.nvim_win_set_cursor(0, { api.nvim_buf_line_count(buffer), 0 })
  vim.cmd('startinsert!')
end

return M
