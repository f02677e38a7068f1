-- SPDX-License-Identifier: MIT
-- The dashboard: the buffer swarm://dashboard, its keys, and when it is redrawn.
--
-- Changes mark it dirty; it is redrawn at most 20 times a second, only while a window shows it, and
-- only the lines that differ. The cursor stays on its agent when the agent's line moves.
local actions = require('swarm.actions')
local event = require('swarm.event')
local lines = require('swarm.dashboard_lines')
local state = require('swarm.state')
local util = require('swarm.util')
local view = require('swarm.view')

local M = {}

local api = vim.api
local NAME = 'swarm://dashboard'
local REDRAW_INTERVAL = 50 -- ms
local ACTIVE_TICK = 1000 -- ms between looks at the ages while an agent is active, else a minute
local IDLE_TICK = 60000

local shown = { lines = { '' }, rows = {} } -- what the buffer holds
local problem -- why there is no server, when there is none
local ticker

local function width_of(windows)
  local width = 40
  for _, window in ipairs(windows) do
    width = math.max(width, api.nvim_win_get_width(window))
  end
  return width
end

local function status()
  if problem then
    return util.one_line(problem) .. '. R tries again.'
  elseif not state.loaded then
    return 'Asking the server …'
  end
end

-- Where each window's cursor is: on which agent, in which line and column.
local function remember_cursors(windows)
  local places = {}
  for _, window in ipairs(windows) do
    local position = api.nvim_win_get_cursor(window)
    places[window] = { id = shown.rows[position[1]], line = position[1], column = position[2] }
  end
  return places
end

local function restore_cursors(places, rows, count, first_agents)
  local line_of = {}
  local first
  for line, id in pairs(rows) do
    line_of[id] = line
    first = math.min(first or line, line)
  end
  for window, place in pairs(places) do
    local line = place.id and line_of[place.id] or math.min(place.line, count)
    if first_agents and first then
      line = first
    end
    local position = api.nvim_win_get_cursor(window)
    if position[1] ~= line or position[2] ~= place.column then
      api.nvim_win_set_cursor(window, { line, place.column })
    end
  end
end

local function anything_active()
  for _, agent in pairs(state.agents) do
    if state.active[agent.state] then
      return true
    end
  end
  return false
end

-- A timer runs only while somebody can see the ages grow.
local function tick_later(visible, redraw)
  ticker = ticker or util.uv.new_timer()
  ticker:stop()
  if visible and next(state.agents) then
    ticker:start(anything_active() and ACTIVE_TICK or IDLE_TICK, 0, vim.schedule_wrap(redraw))
  end
end

-- Above a transcript the dashboard takes no more lines than it has, and at most a third.
local function fit_height(window)
  local height = math.max(6, math.min(#shown.lines, math.floor(vim.o.lines / 3)))
  if api.nvim_win_get_height(window) ~= height then
    api.nvim_win_set_height(window, height)
  end
end

-- What fits is shown from its first line on.
local function show_top(window)
  api.nvim_win_call(window, function()
    if vim.fn.line('w0') > 1 and #shown.lines <= vim.fn.winheight(0) then
      vim.fn.winrestview({ topline = 1 })
    end
  end)
end

local function settle(windows, count_changed)
  for _, window in ipairs(windows) do
    if count_changed and vim.w[window].swarm_compact then
      fit_height(window)
    end
    show_top(window)
  end
end

local redraw

local function draw()
  local buffer = view.find(NAME)
  local windows = buffer and view.windows(buffer) or {}
  tick_later(#windows > 0, redraw)
  if #windows == 0 then
    return
  end
  local next_shown = lines.render(state.agents, width_of(windows), os.time(), status())
  local places = remember_cursors(windows)
  view.update(buffer, 0, shown.lines, next_shown.lines, next_shown.marks)
  local first_agents = not next(shown.rows)
  local count_changed = #shown.lines ~= #next_shown.lines
  shown = next_shown
  restore_cursors(places, shown.rows, #shown.lines, first_agents)
  settle(windows, count_changed)
end

redraw = util.throttle(REDRAW_INTERVAL, draw)

--- The id of the agent under the cursor, or nil.
function M.agent_here()
  return shown.rows[api.nvim_win_get_cursor(0)[1]]
end

local function on_agent(action)
  return function()
    local id = M.agent_here()
    if id then
      action(id)
    else
      util.notify('there is no agent in this line')
    end
  end
end

local function set_keys(buffer)
  local function open(how)
    return on_agent(function(id)
      require('swarm.transcript').open(id, { how = how })
    end)
  end
  view.map(buffer, { '<CR>', 'o' }, open(), 'open the transcript')
  view.map(buffer, '<2-LeftMouse>', open(), 'open the transcript')
  view.map(buffer, 'v', open('vsplit'), 'open it in a vertical split')
  view.map(buffer, 't', open('tab'), 'open it in a tab page')
  view.map(buffer, 'n', function()
    require('swarm.task').open({})
  end, 'new agent')
  view.map(buffer, 's', on_agent(actions.ask_and_send), 'send a message')
  view.map(buffer, 'a', on_agent(actions.approve), 'answer: allow')
  view.map(buffer, 'A', on_agent(actions.reject), 'answer: reject')
  view.map(buffer, 'c', on_agent(actions.cancel), 'cancel the turn')
  view.map(buffer, 'K', on_agent(actions.kill), 'kill')
  view.map(buffer, 'r', on_agent(actions.resume), 'resume')
  view.map(buffer, 'X', on_agent(actions.remove), 'remove')
  view.map(buffer, 'R', M.refresh, 'read the list anew')
  view.map(buffer, 'g?', function()
    require('swarm.help').show(buffer)
  end, 'this help')
  view.map(buffer, 'q', function()
    view.close(api.nvim_get_current_win())
  end, 'close')
end

local function setup(buffer)
  shown = { lines = { '' }, rows = {} }
  set_keys(buffer)
  api.nvim_create_autocmd({ 'BufWinEnter', 'BufEnter' }, { buffer = buffer, callback = redraw })
  api.nvim_create_autocmd('BufWinLeave', {
    buffer = buffer,
    command = 'setlocal nowinfixheight | unlet! w:swarm_compact',
  })
end

--- Reads the list anew, and starts the server when there is none.
function M.refresh()
  problem = nil
  state.refresh(function(err)
    if err then
      problem = err.ended and err.message or problem
      util.report(err, 'the list of agents')
    end
    redraw()
  end)
  redraw()
end

local function show(buffer, modifiers)
  local window = view.window_here(buffer)
  if window then
    api.nvim_set_current_win(window)
    return
  end
  local unused = api.nvim_buf_get_name(0) == '' and not vim.bo.modified and vim.bo.buftype == ''
  if modifiers ~= '' then
    vim.cmd(modifiers .. ' split')
  elseif not unused then
    vim.cmd('botright split')
  end
  api.nvim_win_set_buf(0, buffer)
end

--- Shows the dashboard in this tab page. modifiers: of the command, as in :vertical.
function M.open(modifiers)
  local buffer = view.buffer(NAME, 'swarm', setup)
  show(buffer, modifiers or '')
  view.window_options(0, {
    'nowrap',
    'winfixheight',
    'cursorline',
    'nonumber',
    'norelativenumber',
    'nospell',
    'nolist',
    'signcolumn=no',
    'foldcolumn=0',
    'colorcolumn=',
  })
  M.refresh()
end

--- Makes room for a transcript below, when the dashboard's window has the whole width.
function M.shrink()
  local buffer = view.find(NAME)
  local window = buffer and view.window_here(buffer)
  if window and api.nvim_win_get_width(window) == vim.o.columns then
    vim.w[window].swarm_compact = true
    fit_height(window)
    show_top(window)
  end
end

event.on('agent', redraw)
event.on('removed', redraw)
event.on('agents', redraw)
event.on('ready', function()
  problem = nil
  redraw()
end)
event.on('exit', function(reason)
  problem = reason
  redraw()
end)
api.nvim_create_autocmd('VimResized', {
  group = api.nvim_create_augroup('SwarmDashboard', {}),
  callback = redraw,
})

return M
