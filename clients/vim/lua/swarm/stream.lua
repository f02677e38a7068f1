-- SPDX-License-Identifier: MIT
-- The items of one transcript as the server's pages and events make them. It knows no buffer: it
-- notes which items changed and how, and who shows them takes these notes with changes().
--
-- Text that streams grows by deltas, whose offset (in bytes, as Lua counts too) says what is new in
-- them: a part that is known already, or comes twice, changes nothing. A completed item is the truth.
local util = require('swarm.util')

local M = {}
M.__index = M

function M.new()
  return setmetatable({ items = {}, dirty = {}, appended = {}, answers = {} }, M)
end

-- Where the text that grows is kept, by kind.
local function text_field(item)
  return item.kind == 'tool' and 'output' or 'text'
end

-- How long an item took, where that is known: from its own time to that of its last event. A call
-- that a person was asked about began with the answer; when that came is known from its event alone.
local function seconds_taken(self, item, time)
  local from = item.time
  if self.answers[item.id] ~= nil then
    from = self.answers[item.id]
  end
  local first, last = util.seconds(from), util.seconds(time)
  return first and last and last - first or nil
end

-- Notes when the question about a call was answered; false when nobody knows any more.
local function take_answer(self, item, time)
  local call = item.kind == 'approval' and item.status ~= 'started' and (item.approval or {}).itemId
  if call then
    self.answers[call] = time or self.answers[call] or false
  end
end

local function take_item(self, item, time)
  local known = self.items[item.id]
  if known and known.status ~= 'started' and item.status == 'started' then
    return
  end
  if known then
    -- A `started` that comes again must not take away the text that has streamed since.
    local field = text_field(item)
    if item.status == 'started' and #(known[field] or '') > #(item[field] or '') then
      item[field] = known[field]
    end
    item.seq = known.seq or item.seq
  end
  take_answer(self, item, time)
  item.seconds = known and known.seconds or seconds_taken(self, item, time)
  self.items[item.id] = item
  self.dirty[item.id] = true
  self.appended[item.id] = nil
end

local function take_delta(self, event)
  local item = self.items[event.itemId]
  if not item or item.status ~= 'started' then
    return
  end
  local field = text_field(item)
  local have = item[field] or ''
  local offset = event.offset or #have
  local text = event.text or ''
  if offset > #have then
    -- Something between is missing; it comes again from the start, or with the completed item.
    return
  end
  local known = have:sub(offset + 1, offset + #text)
  if text:sub(1, #known) ~= known then
    -- The text began anew, after an attempt that failed.
    item[field] = have:sub(1, offset) .. text
    self.dirty[item.id] = true
    self.appended[item.id] = nil
    return
  end
  local new = text:sub(#known + 1)
  if new == '' then
    return
  end
  item[field] = have .. new
  if not self.dirty[item.id] then
    self.appended[item.id] = (self.appended[item.id] or '') .. new
  end
end

--- Takes an `item` or `delta` event.
function M:take(event)
  if event.type == 'item' and event.item then
    take_item(self, event.item, event.item.status ~= 'started' and event.time or nil)
  elseif event.type == 'delta' then
    take_delta(self, event)
  end
end

--- Takes the items of a page.
function M:take_page(items)
  for _, item in ipairs(items or {}) do
    take_item(self, item)
  end
end

--- What changed since the last call: a list of { item, appended? } in the order of the items;
--- appended is the new end of its text when nothing else changed.
function M:changes()
  local list = {}
  for id in pairs(self.dirty) do
    table.insert(list, { item = self.items[id] })
  end
  for id, text in pairs(self.appended) do
    if not self.dirty[id] then
      table.insert(list, { item = self.items[id], appended = text })
    end
  end
  self.dirty = {}
  self.appended = {}
  table.sort(list, function(a, b)
    return (a.item.seq or 0) < (b.item.seq or 0)
  end)
  return list
end

return M
