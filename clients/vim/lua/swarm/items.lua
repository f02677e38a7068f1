-- SPDX-License-Identifier: MIT
-- From an item of the protocol to the lines of a transcript, nothing else.
--
-- A rendering is { lines, marks, fold?, spaced, open? }: fold = { first, last } (from 0) are lines
-- to be folded away; spaced says that an empty line stands before it; open that text which arrives
-- may simply be appended to its last line, in the highlight group `open`.
local approval = require('swarm.approval')
local config = require('swarm.config')
local util = require('swarm.util')

local M = {}

local SUMMARY = 3 -- lines of reasoning that are shown while it streams
local TAIL = 4096 -- bytes at the end of a text that grows, in which its last lines are looked for

local renderers = {}

local function whole_lines(lines, group, first)
  local marks = {}
  for index = first or 1, #lines do
    table.insert(marks, { line = index - 1, group = group })
  end
  return marks
end

-- Text without the line ends at its end; no text is no line.
local function text_lines(text)
  text = (text or ''):gsub('\n+$', '')
  if text == '' then
    return {}
  end
  return util.lines(text)
end

local function content_text(content)
  if type(content) == 'string' then
    return content
  end
  local parts = {}
  for _, block in ipairs(content or {}) do
    table.insert(parts, block.text or ('[' .. (block.type or '?') .. ']'))
  end
  return table.concat(parts, '\n')
end

function renderers.user(item)
  local lines = text_lines(content_text(item.content))
  for index, line in ipairs(lines) do
    lines[index] = '> ' .. line
  end
  if item.from and item.from ~= 'user' and #lines > 0 then
    table.insert(lines, 1, '> (from ' .. item.from .. ')')
  end
  return { lines = lines, marks = whole_lines(lines, 'SwarmUser'), spaced = true }
end

-- The little of Markdown that is worth a colour in running text.
local function markdown_marks(lines)
  local marks = {}
  local fenced = false
  for index, line in ipairs(lines) do
    local at = index - 1
    if line:match('^%s*```') then
      fenced = not fenced
      table.insert(marks, { line = at, group = 'SwarmDim' })
    elseif fenced then
      table.insert(marks, { line = at, group = 'SwarmCode' })
    elseif line:match('^#+ ') then
      table.insert(marks, { line = at, group = 'SwarmHeading' })
    else
      for from, to in line:gmatch('()`[^`]+`()') do
        table.insert(marks, { line = at, from = from - 1, to = to - 1, group = 'SwarmCode' })
      end
    end
  end
  return marks
end

function renderers.assistant(item)
  local lines = text_lines(item.text)
  if item.status == 'started' then
    return { lines = item.text ~= '' and util.lines(item.text) or {}, marks = {}, spaced = true, open = 'Normal' }
  end
  return { lines = lines, marks = markdown_marks(lines), spaced = true }
end

function renderers.reasoning(item)
  local running = item.status == 'started'
  local text = text_lines(running and (item.text or ''):sub(-TAIL) or item.text)
  if running then
    local lines = vim.list_slice(text, math.max(1, #text - SUMMARY + 1))
    table.insert(lines, 1, '~ thinking')
    return { lines = lines, marks = whole_lines(lines, 'SwarmReasoning'), spaced = true }
  end
  if #text == 0 then
    return { lines = {}, marks = {} }
  end
  table.insert(text, 1, '~ thought')
  return {
    lines = text,
    marks = whole_lines(text, 'SwarmReasoning'),
    fold = { 1, #text - 1 },
    spaced = true,
  }
end

local tool_signs = { started = '●', completed = '✓', failed = '✗' }
local tool_groups = { started = 'SwarmActive', completed = 'SwarmDone', failed = 'SwarmFailed' }

local function tool_title(item)
  local sign = tool_signs[item.status] or '●'
  local title = sign .. ' ' .. util.one_line(item.title or item.name or 'tool')
  if item.exitCode and item.exitCode ~= 0 then
    title = title .. ' (exit code ' .. item.exitCode .. ')'
  end
  if item.seconds and item.seconds >= 2 then
    title = title .. ' ' .. util.duration(item.seconds)
  end
  local marks = {
    { line = 0, from = 0, to = #sign, group = tool_groups[item.status] or 'SwarmActive' },
    { line = 0, from = #sign, group = 'SwarmTool' },
  }
  return title, marks
end

function renderers.tool(item, previous)
  local title, marks = tool_title(item)
  local lines = { title }
  local running = item.status == 'started'
  local output = item.output or ''
  output = text_lines(util.terminal_text(running and output:sub(-TAIL) or output))
  local limit = config.get('output_lines')
  local first = running and math.max(1, #output - limit + 1) or 1
  for index = first, #output do
    table.insert(lines, '  ' .. output[index])
    table.insert(marks, { line = #lines - 1, group = 'SwarmOutput' })
  end
  if not running and item.full then
    table.insert(lines, '  whole output: ' .. util.path(item.full))
    table.insert(marks, { line = #lines - 1, group = 'SwarmDim' })
  end
  -- A fold that would hide one line hides nothing worth it.
  local fold = not running and #output > limit + 1 and { limit + 1, #lines - 1 } or nil
  return { lines = lines, marks = marks, fold = fold, spaced = previous ~= 'tool' }
end

local decisions = {
  allow = 'allowed',
  allowAlways = 'allowed from now on',
  reject = 'rejected',
  rejectAlways = 'rejected from now on',
}

local function add_patch_marks(lines, marks)
  for index, line in ipairs(lines) do
    local group = line:match('^  %+') and 'SwarmAdded' or line:match('^  %-') and 'SwarmRemoved'
    if group then
      table.insert(marks, { line = index - 1, from = 2, group = group })
    end
  end
end

function renderers.approval(item)
  local asked = item.approval or {}
  local detail = approval.lines(asked)
  local lines = {}
  for index = 3, #detail do
    table.insert(lines, (('  ' .. detail[index]):gsub('%s+$', '')))
  end
  local marks
  if asked.decision then
    local by = asked.by and ' by ' .. asked.by or ''
    table.insert(lines, 1, '✓ ' .. detail[1] .. ': ' .. (decisions[asked.decision] or asked.decision) .. by)
    marks = whole_lines({ lines[1] }, 'SwarmDim')
  elseif item.status ~= 'started' then
    table.insert(lines, 1, '✗ ' .. detail[1] .. ': not answered')
    marks = whole_lines({ lines[1] }, 'SwarmDim')
  else
    table.insert(lines, 1, '? ' .. detail[1])
    table.insert(lines, '  a allow   A reject')
    marks = { { line = 0, group = 'SwarmWaiting' }, { line = #lines - 1, group = 'SwarmKey' } }
  end
  if asked.patch then
    add_patch_marks(lines, marks)
  end
  local open = item.status == 'started' and not asked.decision
  local fold = not open and #lines > 2 and { 1, #lines - 1 } or nil
  return { lines = lines, marks = marks, fold = fold, spaced = true }
end

local plan_signs = { completed = '[x]', inProgress = '[.]', in_progress = '[.]' }

function renderers.plan(item)
  local lines = { 'Plan' }
  for _, entry in ipairs(item.entries or {}) do
    local sign = plan_signs[entry.status] or '[ ]'
    table.insert(lines, '  ' .. sign .. ' ' .. util.one_line(entry.content or entry.title or entry.text or ''))
  end
  return { lines = lines, marks = { { line = 0, group = 'SwarmHeading' } }, spaced = true }
end

local notice_groups = { error = 'SwarmFailed', warning = 'SwarmWaiting' }

function renderers.notice(item)
  local lines = text_lines(item.text)
  for index, line in ipairs(lines) do
    lines[index] = (index == 1 and '! ' or '  ') .. line
  end
  return { lines = lines, marks = whole_lines(lines, notice_groups[item.level] or 'SwarmDim'), spaced = true }
end

function renderers.compaction(item)
  local line = '! the transcript was compacted'
  if item.before and item.after then
    line = line .. string.format(': %s to %s tokens', util.count(item.before), util.count(item.after))
  end
  local lines = text_lines(item.summary)
  table.insert(lines, 1, line)
  local fold = #lines > 2 and { 1, #lines - 1 } or nil
  return { lines = lines, marks = whole_lines(lines, 'SwarmDim'), fold = fold, spaced = true }
end

function renderers.merge(item)
  local line = '! merged'
  if item.into then
    line = line .. ' into ' .. item.into
  end
  if item.commit then
    line = line .. ' as ' .. tostring(item.commit):sub(1, 12)
  end
  return { lines = { line }, marks = { { line = 0, group = 'SwarmDim' } }, spaced = true }
end

function renderers.message(item)
  local lines = text_lines(item.text)
  table.insert(lines, 1, string.format('%s to %s:', item.from or '?', item.to or '?'))
  return { lines = lines, marks = { { line = 0, group = 'SwarmUser' } }, spaced = true }
end

--- Renders an item that follows one of the kind `previous`. Kinds that this version does not know
--- have no lines.
function M.render(item, previous)
  local renderer = renderers[item.kind]
  local result = renderer and renderer(item, previous) or { lines = {}, marks = {} }
  if #result.lines > 0 and result.spaced then
    table.insert(result.lines, 1, '')
    for _, mark in ipairs(result.marks) do
      mark.line = mark.line + 1
    end
    if result.fold then
      result.fold = { result.fold[1] + 1, result.fold[2] + 1 }
    end
  end
  return result
end

return M
