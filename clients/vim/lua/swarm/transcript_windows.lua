-- SPDX-License-Identifier: MIT
-- The windows that show transcripts: where they open, and what they follow.
local view = require('swarm.view')

local M = {}

local api = vim.api

--- Those whose cursor is on the last line: they follow the end.
function M.following(buffer)
  local count = api.nvim_buf_line_count(buffer)
  return vim.tbl_filter(function(window)
    return api.nvim_win_get_cursor(window)[1] == count
  end, view.windows(buffer))
end

-- Where a fold has taken lines away, the end comes back to the bottom.
local function fill_window()
  if vim.fn.winline() < vim.fn.winheight(0) and vim.fn.line('w0') > 1 then
    vim.cmd('normal! zb')
  end
end

--- Brings them to the end again, after lines have come.
function M.to_end(windows, buffer)
  local count = api.nvim_buf_line_count(buffer)
  for _, window in ipairs(windows) do
    -- Also when the cursor has moved along with its text: only this scrolls a window that is not
    -- the current one.
    api.nvim_win_set_cursor(window, { count, 0 })
    api.nvim_win_call(window, fill_window)
  end
end

--- The windows that do not follow, and what they show.
function M.reading(buffer)
  local count = api.nvim_buf_line_count(buffer)
  local places = {}
  for _, window in ipairs(view.windows(buffer)) do
    if api.nvim_win_get_cursor(window)[1] ~= count then
      places[window] = api.nvim_win_call(window, vim.fn.winsaveview)
    end
  end
  return places
end

--- Lets them show it again, after everything was written anew.
function M.restore(places)
  for window, place in pairs(places) do
    api.nvim_win_call(window, function()
      vim.fn.winrestview(place)
    end)
  end
end

local window_options = {
  'wrap',
  'linebreak',
  'breakindent',
  'nonumber',
  'norelativenumber',
  'nospell',
  'nolist',
  'signcolumn=no',
  'foldcolumn=0',
  'colorcolumn=',
  'foldmethod=manual',
  'foldenable',
  "foldtext=v:lua.require'swarm.blocks'.fold_text()",
  'fillchars+=fold:\\ ',
}

--- What a window needs to show a transcript well.
function M.set_options(window)
  view.window_options(window, window_options)
end

-- The window of this tab page that shows some transcript already: it is used for the next one.
local function transcript_window()
  for _, window in ipairs(api.nvim_tabpage_list_wins(0)) do
    if vim.bo[api.nvim_win_get_buf(window)].filetype == 'swarmtranscript' then
      return window
    end
  end
end

--- Goes to a window for a transcript. how: of the option `open`; modifiers: of the command, or '';
--- asked: people asked for that very place, so that another transcript's window is left alone.
function M.make(how, modifiers, asked)
  local other = not asked and modifiers == '' and how ~= 'tab' and transcript_window()
  if other then
    api.nvim_set_current_win(other)
  elseif modifiers ~= '' then
    vim.cmd(modifiers .. ' split')
  elseif how == 'tab' then
    vim.cmd('tab split')
  elseif how == 'vsplit' then
    vim.cmd('belowright vsplit')
  else
    vim.cmd('belowright split')
  end
end

return M
