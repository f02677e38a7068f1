-- SPDX-License-Identifier: MIT
-- Transcripts: one buffer swarm://agent/<id> an agent, which streams.
--
-- Events change the model at once (stream.lua) and the buffer at most 20 times a second. A window
-- whose cursor is on the last line follows the end; others stay where they are.
local blocks = require('swarm.blocks')
local config = require('swarm.config')
local connection = require('swarm.connection')
local event = require('swarm.event')
local items = require('swarm.items')
local lines = require('swarm.transcript_lines')
local state = require('swarm.state')
local stream = require('swarm.stream')
local util = require('swarm.util')
local view = require('swarm.view')
local windows = require('swarm.transcript_windows')

local M = {}

local api = vim.api
local REDRAW_INTERVAL = 50 -- ms
local HEAD, FOOT = -1, math.huge -- the order of these two among the items

-- id -> { id, buffer, stream, blocks, older?, loading, problem?, queue?, flush }
local transcripts = {}

local function name_of(id)
  return 'swarm://agent/' .. id
end

local function draw_item(self, item)
  local previous = self.blocks:before(item.id, item.seq or 0)
  self.blocks:set(item.id, item.seq or 0, items.render(item, previous and previous.kind), item.kind)
end

local function draw(self)
  if not api.nvim_buf_is_loaded(self.buffer) then
    return
  end
  local agent = state.agents[self.id]
  local following = windows.following(self.buffer)
  self.blocks:set('head', HEAD, lines.head(self.id, agent), 'head')
  for _, change in ipairs(self.stream:changes()) do
    if not (change.appended and self.blocks:append(change.item.id, change.appended)) then
      draw_item(self, change.item)
    end
  end
  self.blocks:set('foot', FOOT, lines.foot(agent, self.problem, self.queue), 'foot')
  windows.to_end(following, self.buffer)
end

local function subscribe(self, after)
  connection.request('swarm/subscribe', { agentId = self.id, after = after, deltas = true }, function(err)
    if err then
      util.report(err, 'following ' .. self.id)
    end
  end)
end

-- Queued messages are not items yet; the snapshot has only their number.
local function read_queue(self)
  local agent = state.agents[self.id]
  if not agent or (agent.queued or 0) == 0 then
    self.queue = nil
    return
  end
  connection.request('swarm/get', { agentId = self.id }, function(err, result)
    if not err then
      self.queue = result.queue
      self.flush()
    end
  end)
end

--- Reads the newest page, and follows from there. Before it has come, events are not taken: what
--- they say is in the page, or is sent again after it.
local function load(self)
  if self.loading then
    return
  end
  self.loading = true
  connection.request('swarm/transcript', { agentId = self.id, limit = config.get('page') }, function(err, result)
    self.loading = false
    if err then
      self.problem = err.ended and err.message or nil
      util.report(err, 'the transcript of ' .. self.id)
      self.flush()
      return
    end
    self.problem = nil
    self.older = result.next
    local following, reading = windows.following(self.buffer), windows.reading(self.buffer)
    self.stream = stream.new()
    self.blocks:clear()
    self.stream:take_page(result.items)
    draw(self)
    windows.to_end(following, self.buffer)
    windows.restore(reading)
    subscribe(self, result.seq)
    read_queue(self)
  end)
end

-- Reads the page before the oldest item; the cursor stays at its text. Events are taken meanwhile.
local function load_older(self)
  if not self.older or self.loading or self.loading_older then
    return
  end
  self.loading_older = true
  local of_stream = self.stream
  local params = { agentId = self.id, before = self.older, limit = config.get('page') }
  connection.request('swarm/transcript', params, function(err, result)
    self.loading_older = false
    if of_stream ~= self.stream then
      return
    end
    if err then
      util.report(err, 'older items of ' .. self.id)
      return
    end
    self.older = result.next
    self.stream:take_page(result.items)
    self.flush()
  end)
end

local function set_keys(self)
  local actions = require('swarm.actions')
  local function on_agent(action)
    return function()
      action(self.id)
    end
  end
  local function prompt()
    require('swarm.prompt').enter(self.id, api.nvim_get_current_win())
  end
  view.map(self.buffer, { 'i', 'o', 's' }, prompt, 'write a message')
  view.map(self.buffer, 'a', on_agent(actions.approve), 'answer: allow')
  view.map(self.buffer, 'A', on_agent(actions.reject), 'answer: reject')
  view.map(self.buffer, 'c', on_agent(actions.cancel), 'cancel the turn')
  view.map(self.buffer, 'K', on_agent(actions.kill), 'kill')
  view.map(self.buffer, 'r', on_agent(actions.resume), 'resume')
  view.map(self.buffer, 'X', on_agent(actions.remove), 'remove')
  view.map(self.buffer, 'R', function()
    load(self)
  end, 'read it anew')
  view.map(self.buffer, '<Tab>', 'za', 'open or close a fold')
  view.map(self.buffer, 'g?', function()
    require('swarm.help').show(self.buffer)
  end, 'this help')
  view.map(self.buffer, 'q', function()
    local window = api.nvim_get_current_win()
    require('swarm.prompt').close(self.id)
    view.close(window)
  end, 'close')
end

local function entered_window(self)
  local window = api.nvim_get_current_win()
  if vim.w.swarm_transcript ~= self.id then
    vim.w.swarm_transcript = self.id
    windows.set_options(window)
    self.blocks:fold_window()
  end
end

local function forget(self)
  transcripts[self.id] = nil
  if connection.info() and state.agents[self.id] then
    connection.request('swarm/unsubscribe', { agentId = self.id }, function() end)
  end
end

local function set_autocommands(self)
  local function on(events, callback)
    api.nvim_create_autocmd(events, { buffer = self.buffer, callback = callback })
  end
  on({ 'BufWinEnter', 'BufEnter' }, function()
    entered_window(self)
  end)
  on('BufWinLeave', function()
    vim.w.swarm_transcript = nil
    vim.schedule(require('swarm.prompt').tidy)
  end)
  on('CursorMoved', function()
    if self.older and api.nvim_win_get_cursor(0)[1] <= 1 then
      load_older(self)
    end
  end)
  on('BufUnload', function()
    forget(self)
  end)
end

local function create(id)
  local self = { id = id, stream = stream.new() }
  self.buffer = view.buffer(name_of(id), 'swarmtranscript', function(buffer)
    self.buffer = buffer
    set_keys(self)
    set_autocommands(self)
  end)
  self.blocks = blocks.new(self.buffer)
  self.flush = util.throttle(REDRAW_INTERVAL, function()
    if transcripts[id] == self and not (self.loading and self.blocks.virgin) then
      draw(self)
    end
  end)
  transcripts[id] = self
  draw(self)
  load(self)
  return self
end

local function show(self, options)
  local window = view.window_here(self.buffer)
  if window and not options.how then
    api.nvim_set_current_win(window)
    return
  end
  windows.make(options.how or config.get('open'), options.modifiers or '', options.how ~= nil)
  api.nvim_win_set_buf(0, self.buffer)
  require('swarm.dashboard').shrink()
  api.nvim_win_set_cursor(0, { api.nvim_buf_line_count(self.buffer), 0 })
end

--- Shows an agent's transcript. options: how, one of the option `open`; modifiers, of the command;
--- started: it was started just now, so that `open = "none"` is respected.
function M.open(id, options)
  options = options or {}
  if options.started and config.get('open') == 'none' then
    return
  end
  local self = transcripts[id] or create(id)
  show(self, options)
  require('swarm.prompt').show(id, api.nvim_get_current_win())
end

--- Is the agent's transcript on the screen?
function M.visible(id)
  return transcripts[id] ~= nil and view.window_here(transcripts[id].buffer) ~= nil
end

local function each(action)
  for _, self in pairs(transcripts) do
    action(self)
  end
end

event.on('stream', function(one)
  local self = transcripts[one.agentId]
  if self and not self.loading and one.type ~= 'turn' then
    self.stream:take(one)
    self.flush()
  end
end)

event.on('agent', function(agent, old)
  local self = transcripts[agent.id]
  if self then
    if (agent.queued or 0) ~= (old and old.queued or 0) then
      read_queue(self)
    end
    self.flush()
  end
end)

event.on('removed', function(id)
  local self = transcripts[id]
  if self then
    transcripts[id] = nil
    require('swarm.prompt').close(id)
    for _, window in ipairs(view.windows(self.buffer)) do
      view.close(window)
    end
    pcall(api.nvim_buf_delete, self.buffer, { force = true })
  end
end)

event.on('exit', function(reason)
  each(function(self)
    self.loading = false
    self.problem = reason
    self.flush()
  end)
end)

event.on('ready', function()
  each(load)
end)

event.on('reset', function()
  each(load)
end)

return M
