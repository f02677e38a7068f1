-- SPDX-License-Identifier: MIT
-- A buffer made of blocks, one below the other: the head, the items, the foot. A block is found by
-- counting lines from the end, because nearly all that changes is there.
--
-- Folds belong to windows. They are made by hand (foldmethod=manual): those of an expression are not
-- brought up to date while one types in the prompt, and these move with their text.
local util = require('swarm.util')
local view = require('swarm.view')

local M = {}
M.__index = M

local api = vim.api

--- For a buffer that holds nothing yet.
function M.new(buffer)
  return setmetatable({ buffer = buffer, list = {}, by_key = {}, virgin = true }, M)
end

-- The line (from 0) at which the block with that index begins.
local function first_line(self, index)
  local line = api.nvim_buf_line_count(self.buffer)
  for at = #self.list, index, -1 do
    line = line - #self.list[at].lines
  end
  return self.virgin and 0 or line
end

local function index_of(self, block)
  for index = #self.list, 1, -1 do
    if self.list[index] == block then
      return index
    end
  end
end

local function in_fold_windows(self, action)
  for _, window in ipairs(view.windows(self.buffer)) do
    if vim.wo[window].foldmethod == 'manual' then
      api.nvim_win_call(window, action)
    end
  end
end

local function fold(first, block)
  if block.fold then
    vim.cmd(string.format('silent! %d,%dfold', first + block.fold[1] + 1, first + block.fold[2] + 1))
  end
end

-- Its fold is taken away with all that people made inside it.
local function unfold(self, first, block)
  in_fold_windows(self, function()
    local place = vim.fn.winsaveview()
    api.nvim_win_set_cursor(0, { first + block.fold[1] + 1, 0 })
    vim.cmd('silent! normal! zD')
    vim.fn.winrestview(place)
  end)
end

local function same_fold(a, b)
  return a == b or (a and b and a[1] == b[1] and a[2] == b[2])
end

-- A buffer is never without a line: the first block takes the place of the empty one.
local function put_lines(self, first, old, new, marks)
  if self.virgin then
    self.virgin = false
    old = { '' }
  end
  return view.update(self.buffer, first, old, new, marks)
end

local function replace(self, block, rendering)
  local first = first_line(self, index_of(self, block))
  local old = block.lines
  if block.fold and not same_fold(block.fold, rendering.fold) then
    unfold(self, first, block)
    block.fold = nil
  end
  local changed = put_lines(self, first, old, rendering.lines, rendering.marks)
  block.lines = rendering.lines
  block.open = rendering.open
  if not changed then
    view.mark(self.buffer, first, rendering.lines, rendering.marks)
  end
  if not same_fold(block.fold, rendering.fold) then
    block.fold = rendering.fold
    in_fold_windows(self, function()
      fold(first, block)
    end)
  end
end

-- Behind the last block whose order is not greater.
local function insertion_index(self, order)
  local index = #self.list + 1
  while index > 1 and self.list[index - 1].order > order do
    index = index - 1
  end
  return index
end

--- The block before the place of one with that order, for how it looks from there; or nil.
function M:before(key, order)
  local block = self.by_key[key]
  local index = block and index_of(self, block) or insertion_index(self, order)
  while index > 1 do
    index = index - 1
    if #self.list[index].lines > 0 then
      return self.list[index]
    end
  end
end

--- Shows a rendering (see items.lua) as the block of that key; a new one goes where its order says.
function M:set(key, order, rendering, kind)
  local block = self.by_key[key]
  if not block then
    block = { key = key, order = order, lines = {}, kind = kind }
    self.by_key[key] = block
    table.insert(self.list, insertion_index(self, order), block)
  end
  replace(self, block, rendering)
end

--- Appends text to a block, when its rendering said that this may be done. Returns whether it was.
function M:append(key, text)
  local block = self.by_key[key]
  if not block or not block.open or #block.lines == 0 then
    return false
  end
  local last = #block.lines
  local row = first_line(self, index_of(self, block)) + last - 1
  local old = block.lines[last]
  local new = util.lines(old .. text)
  for index, line in ipairs(new) do
    block.lines[last + index - 1] = line
  end
  vim.bo[self.buffer].modifiable = true
  if vim.startswith(new[1], old) then
    -- Text goes behind what is there: the line itself is not set again.
    new[1] = new[1]:sub(#old + 1)
    api.nvim_buf_set_text(self.buffer, row, #old, row, #old, new)
  else
    api.nvim_buf_set_lines(self.buffer, row, row + 1, true, new)
  end
  vim.bo[self.buffer].modifiable = false
  return true
end

--- Takes all blocks away.
function M:clear()
  vim.bo[self.buffer].modifiable = true
  api.nvim_buf_set_lines(self.buffer, 0, -1, true, {})
  vim.bo[self.buffer].modifiable = false
  self.list = {}
  self.by_key = {}
  self.virgin = true
end

--- Makes the folds of all blocks in the current window, which has come to show the buffer.
function M:fold_window()
  if vim.wo.foldmethod ~= 'manual' then
    return
  end
  vim.cmd('silent! normal! zE')
  local first = 0
  for _, block in ipairs(self.list) do
    fold(first, block)
    first = first + #block.lines
  end
end

--- The text that stands for a closed fold.
function M.fold_text()
  local count = vim.v.foldend - vim.v.foldstart + 1
  return string.format('  … %d more lines (za shows them)', count)
end

return M
