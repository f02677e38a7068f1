-- SPDX-License-Identifier: MIT
-- The head and the foot of a transcript: from an agent's snapshot to lines, nothing else.
local dashboard_lines = require('swarm.dashboard_lines')
local state = require('swarm.state')
local util = require('swarm.util')

local M = {}

local function add(result, line, group, from)
  table.insert(result.lines, line)
  if group then
    table.insert(result.marks, { line = #result.lines - 1, from = from, group = group })
  end
end

--- agent: the snapshot, or nil when nothing is known yet.
function M.head(id, agent)
  local result = { lines = {}, marks = {} }
  if not agent then
    add(result, id, 'SwarmTitle')
    return result
  end
  add(result, state.name(agent) .. ' · ' .. agent.state, 'SwarmTitle')
  local fields = {
    { 'id', agent.name and agent.name ~= agent.id and agent.id },
    { 'model', state.model(agent) },
    { 'branch', agent.branch },
    { 'worktree', agent.worktree and util.path(agent.worktree) },
  }
  for _, field in ipairs(fields) do
    if field[2] then
      add(result, string.format('  %-9s %s', field[1], util.one_line(field[2])), 'SwarmDim')
    end
  end
  return result
end

local function ended_line(agent)
  local sign = dashboard_lines.sign(agent)
  if agent.state == 'done' then
    local line = sign .. ' done'
    if dashboard_lines.stop_reasons[agent.stopReason] then
      line = line .. ': ' .. dashboard_lines.stop_reasons[agent.stopReason]
    end
    local tokens = state.tokens(agent)
    return tokens > 0 and line .. ' · ' .. util.count(tokens) .. ' tokens' or line
  elseif agent.state == 'failed' then
    return sign .. ' failed' .. (agent.error and ': ' .. util.one_line(agent.error.message or '') or '')
  elseif agent.state == 'detached' then
    return sign .. " cut off by the server's end: r resumes it"
  elseif agent.state == 'waiting' then
    return sign .. ' waits for your answer'
  end
end

--- problem: why there is no server, or nil; queue: the messages that wait, as swarm/get tells them.
function M.foot(agent, problem, queue)
  local result = { lines = {}, marks = {} }
  if problem then
    add(result, '')
    add(result, '✗ ' .. util.one_line(problem), 'SwarmFailed')
    return result
  elseif not agent then
    return result
  end
  for _, message in ipairs(queue or {}) do
    add(result, '')
    add(result, '> (queued) ' .. util.one_line(message.text or ''), 'SwarmDim')
  end
  add(result, '')
  local line = ended_line(agent)
  if not line then
    local activity = agent.activity and agent.activity ~= '' and agent.activity or agent.state
    line = dashboard_lines.signs[agent.state] .. ' ' .. util.one_line(activity)
  end
  add(result, line, dashboard_lines.groups[agent.state] or 'SwarmDim')
  return result
end

return M
