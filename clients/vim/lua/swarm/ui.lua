-- SPDX-License-Identifier: MIT
-- Questions, messages and diagnostics as Neovim's own functions have them, for autoload/swarm/nvim.vim.
local M = {}

local levels = { error = vim.log.levels.ERROR, warning = vim.log.levels.WARN, info = vim.log.levels.INFO }

-- Neovim's own vim.ui.select() is inputlist(), during which nothing else happens: what streams stands
-- still. What people have put in its place is theirs.
local function is_own(fn, file)
  return debug.getinfo(fn, 'S').source:find(file .. '%.lua$') ~= nil
end

local function menu_lines(items, prompt)
  local lines = { prompt }
  for index, item in ipairs(items) do
    table.insert(lines, string.format('%s%s', index <= 9 and index .. '. ' or '   ', item))
  end
  return lines
end

-- Answers stand below what is asked about.
local function menu_row(height, kind)
  return kind == 'swarm-approval' and vim.o.lines - height - 5 or math.floor((vim.o.lines - height) / 2) - 1
end

local function menu_window(buffer, lines, kind)
  local width = 20
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line) + 1)
  end
  local height = math.min(#lines, vim.o.lines - 6)
  width = math.min(width, vim.o.columns - 6)
  return vim.api.nvim_open_win(buffer, true, {
    relative = 'editor',
    row = math.max(0, menu_row(height, kind)),
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    style = 'minimal',
    border = 'rounded',
    zindex = 60,
  })
end

--- A menu that floats: digits choose at once, <CR> the line, q or <Esc> nothing. done(index), from 1.
local function menu(items, prompt, kind, done)
  local buffer = vim.api.nvim_create_buf(false, true)
  local lines = menu_lines(items, prompt)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = 'wipe'
  vim.api.nvim_buf_set_extmark(buffer, vim.api.nvim_create_namespace('swarm'), 0, 0, {
    end_col = #prompt,
    hl_group = 'SwarmTitle',
  })
  local window = menu_window(buffer, lines, kind)
  vim.wo[window].cursorline = true
  vim.api.nvim_win_set_cursor(window, { 2, 0 })
  local answered = false
  local function answer(index)
    if answered then
      return
    end
    answered = true
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_win_close(window, true)
    end
    done(index)
  end
  local function map(key, action)
    vim.keymap.set('n', key, action, { buffer = buffer, nowait = true, silent = true })
  end
  for index = 1, math.min(9, #items) do
    map(tostring(index), function()
      answer(index)
    end)
  end
  map('<CR>', function()
    local line = vim.api.nvim_win_get_cursor(window)[1]
    answer(line > 1 and line - 1 or 1)
  end)
  for _, key in ipairs({ 'q', '<Esc>', '<C-c>' }) do
    map(key, function()
      answer(nil)
    end)
  end
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = vim.schedule_wrap(function()
      answer(nil)
    end),
  })
end

function M.select(items, prompt, kind, key)
  local function chosen(index)
    vim.fn['swarm#nvim#chosen'](key, index and index - 1 or -1)
  end
  if is_own(vim.ui.select, 'vim/ui') then
    menu(items, prompt, kind, chosen)
    return
  end
  vim.ui.select(items, { prompt = prompt, kind = kind }, function(_, index)
    chosen(index)
  end)
end

function M.input(prompt, default, key)
  vim.ui.input({ prompt = prompt, default = default }, function(text)
    vim.fn['swarm#nvim#chosen'](key, text == nil and vim.NIL or text)
  end)
end

--- Does a message of this length ask for <Enter>?
function M.asks_for_enter(text)
  return is_own(vim.notify, 'vim/_editor') and vim.fn.strdisplaywidth(text) > vim.v.echospace
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
