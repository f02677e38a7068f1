-- SPDX-License-Identifier: MIT
-- The dashboard's lines: from the agents to text, nothing else.
local state = require('swarm.state')
local util = require('swarm.util')

local M = {}

M.signs = {
  queued = '…',
  blocked = '!',
  starting = '+',
  idle = '-',
  working = '●',
  waiting = '?',
  paused = '=',
  done = '✓',
  failed = '✗',
  killed = '✗',
  detached = '~',
}

--- Why a turn ended, where it did not simply come to its end.
M.stop_reasons = {
  maxTokens = 'the answer was cut off at its longest',
  maxSteps = 'it came to the limit of steps',
  timeout = 'it came to the limit of time',
  budget = 'its budget is used up',
  cancelled = 'cancelled',
  refused = 'the model refused',
}

M.groups = {
  working = 'SwarmActive',
  starting = 'SwarmActive',
  waiting = 'SwarmWaiting',
  blocked = 'SwarmWaiting',
  detached = 'SwarmWaiting',
  done = 'SwarmDone',
  failed = 'SwarmFailed',
  killed = 'SwarmFailed',
}

--- The sign of an agent's state. A tick is for turns that came to their end.
function M.sign(agent)
  if agent.state == 'done' and M.stop_reasons[agent.stopReason] then
    return '-'
  end
  return M.signs[agent.state] or '-'
end

local sections = {
  { title = 'Needs you', short = 'needs you', states = { 'waiting', 'blocked' } },
  { title = 'Working', short = 'working', states = { 'working', 'starting', 'queued', 'idle', 'paused' } },
  { title = 'Done', short = 'done', states = { 'done' } },
  { title = 'Failed', short = 'failed', states = { 'failed', 'killed' } },
  { title = 'Detached', short = 'detached', states = { 'detached' } },
}

local section_of = {}
for index, section in ipairs(sections) do
  for _, name in ipairs(section.states) do
    section_of[name] = index
  end
end

local KEYS = '<CR> open  n new  s send  a/A answer  c cancel  K kill  g? all keys'
local NAME_MAX = 30
local STATE_WIDTH = 8
local AGE_WIDTH = 4
local TOKENS_WIDTH = 7

local function sorted_sections(agents)
  local lists = {}
  for index in ipairs(sections) do
    lists[index] = {}
  end
  for _, agent in pairs(agents) do
    table.insert(lists[section_of[agent.state] or 2], agent)
  end
  for _, list in ipairs(lists) do
    table.sort(list, function(a, b)
      if a.createdAt ~= b.createdAt then
        return (a.createdAt or '') > (b.createdAt or '')
      end
      return a.id < b.id
    end)
  end
  return lists
end

local function totals(lists)
  local parts = {}
  local count, tokens, cost = 0, 0, 0
  for index, list in ipairs(lists) do
    count = count + #list
    if #list > 0 then
      table.insert(parts, #list .. ' ' .. sections[index].short)
    end
    for _, agent in ipairs(list) do
      tokens = tokens + state.tokens(agent)
      cost = cost + ((agent.usage or {}).costUsd or 0)
    end
  end
  table.insert(parts, 1, util.plural(count, 'agent'))
  if tokens > 0 then
    table.insert(parts, util.count(tokens) .. ' tokens')
  end
  if cost > 0 then
    table.insert(parts, string.format('$%.2f', cost))
  end
  return table.concat(parts, ' · ')
end

local function activity_of(agent)
  local text = agent.activity
  if (not text or text == '') and agent.error then
    text = agent.error.message
  end
  if not text or text == '' then
    text = agent.task or ''
    if agent.state == 'done' and M.stop_reasons[agent.stopReason] then
      text = M.stop_reasons[agent.stopReason] .. ': ' .. text
    end
  end
  if (agent.queued or 0) > 0 then
    text = '[' .. agent.queued .. ' queued] ' .. text
  end
  return util.one_line((text:gsub('^waiting: ', '')))
end

-- A line stays as it was computed for as long as its agent, its age and the widths stay.
local cache = setmetatable({}, { __mode = 'k' })

local function agent_line(agent, age, widths)
  local known = cache[agent]
  if known and known.age == age and known.widths == widths.key then
    return known.line, known.marks
  end
  local sign = M.sign(agent)
  local tokens = state.tokens(agent)
  local line = string.format(
    ' %s %s  %s  %s  %s %s',
    sign,
    util.fit(state.name(agent), widths.name),
    util.fit(agent.state, STATE_WIDTH),
    util.fit(activity_of(agent), widths.activity),
    string.format('%' .. AGE_WIDTH .. 's', age),
    string.format('%' .. TOKENS_WIDTH .. 's', tokens > 0 and util.count(tokens) or '')
  )
  line = line:gsub('%s+$', '')
  local group = M.groups[agent.state] or 'SwarmDim'
  local name_end = 2 + #sign + #util.fit(state.name(agent), widths.name)
  local marks = {
    { from = 1, to = 1 + #sign, group = group },
    { from = name_end, to = name_end + 2 + STATE_WIDTH, group = group },
    { from = #line - AGE_WIDTH - TOKENS_WIDTH - 1, group = 'SwarmDim' },
  }
  cache[agent] = { age = age, widths = widths.key, line = line, marks = marks }
  return line, marks
end

local function widths_for(agents, width)
  local name = 12
  for _, agent in pairs(agents) do
    name = math.max(name, vim.fn.strdisplaywidth(state.name(agent)))
  end
  name = math.min(name, NAME_MAX, math.max(12, math.floor(width / 3)))
  local activity = math.max(10, width - name - STATE_WIDTH - AGE_WIDTH - TOKENS_WIDTH - 10)
  return { name = name, activity = activity, key = name .. ':' .. activity }
end

-- The marks of a line of the result.
local function add(result, line, marks)
  for _, mark in ipairs(marks) do
    table.insert(
      result.marks,
      { line = #result.lines, from = mark.from, to = mark.to, group = mark.group }
    )
  end
  table.insert(result.lines, line)
end

local function add_empty_state(result, status)
  local text = status or 'No agents yet.'
  add(result, '', {})
  add(result, ' ' .. text, { { group = 'SwarmHeading' } })
  add(result, ' n, or :SwarmNew {task}, starts one in a worktree and branch of its own;', {})
  add(result, ' your own files stay as they are. See :help swarm.', {})
end

--- agents: id -> snapshot; status: a line about the connection, or nil. Returns
--- { lines, marks, rows = { line number -> agent id } }.
function M.render(agents, width, now, status)
  local result = { lines = {}, marks = {}, rows = {} }
  local lists = sorted_sections(agents)
  add(result, ' Swarm  ' .. totals(lists), { { from = 1, to = 6, group = 'SwarmTitle' } })
  add(result, ' ' .. KEYS, { { group = 'SwarmDim' } })
  if status and next(agents) then
    add(result, ' ' .. status, { { group = 'SwarmFailed' } })
  end
  if not next(agents) then
    add_empty_state(result, status)
    return result
  end
  local widths = widths_for(agents, width)
  for index, list in ipairs(lists) do
    if #list > 0 then
      add(result, '', {})
      add(result, ' ' .. sections[index].title, { { group = 'SwarmHeading' } })
    end
    for _, agent in ipairs(list) do
      local created = util.seconds(agent.createdAt)
      local line, marks = agent_line(agent, created and util.duration(now - created) or '', widths)
      add(result, line, marks)
      result.rows[#result.lines] = agent.id
    end
  end
  return result
end

return M
