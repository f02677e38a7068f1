-- SPDX-License-Identifier: MIT
-- Answers to what an agent asks: its oldest open question is shown, with its patch, and answered.
local connection = require('swarm.connection')
local util = require('swarm.util')
local view = require('swarm.view')

local M = {}

local api = vim.api

local allow_choices = {
  { label = 'Allow once', decision = 'allow' },
  { label = 'Allow always', decision = 'allowAlways' },
  { label = 'Reject', decision = 'reject' },
  { label = 'Reject always', decision = 'rejectAlways' },
}

-- What an answer for always would be kept as, for all agents of the repository.
local function add_rules(text, what, rules)
  if rules and #rules > 0 then
    vim.list_extend(text, util.lines(util.terminal_text(what .. table.concat(rules, ', '))))
  end
end

--- The question as lines: what is asked, and with which patch or input.
function M.lines(approval)
  local text = { approval.title or approval.tool or 'May I?' }
  local detail = approval.patch
  if not detail and type(approval.input) == 'table' then
    detail = approval.input.command or approval.input.content or vim.inspect(approval.input)
  end
  -- A command of one line is the title already.
  if detail and detail ~= '' and not text[1]:find(detail, 1, true) then
    table.insert(text, '')
    vim.list_extend(text, util.lines((util.terminal_text(detail):gsub('\n$', ''))))
  end
  local remember = approval.remember or {}
  add_rules(text, 'Allow always: ', remember.allow)
  add_rules(text, 'Reject always: ', remember.reject)
  return text
end

local function show(approval)
  local text = M.lines(approval)
  local buffer = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buffer, 0, -1, false, text)
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].modifiable = false
  if approval.patch then
    vim.bo[buffer].syntax = 'diff'
  end
  local width = math.min(100, vim.o.columns - 6)
  local height = math.max(1, math.min(#text, vim.o.lines - 12))
  local window = api.nvim_open_win(buffer, false, {
    relative = 'editor',
    row = 1,
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    style = 'minimal',
    border = 'rounded',
    focusable = true,
  })
  view.window_options(window, { 'wrap', 'nofoldenable' })
  -- The question that follows may not draw the screen itself.
  vim.cmd('redraw')
  return function()
    if api.nvim_win_is_valid(window) then
      api.nvim_win_close(window, true)
    end
  end
end

local function decide(approval, decision, reason)
  local params = { approvalId = approval.id, decision = decision, reason = reason }
  connection.request('swarm/approve', params, function(err, result)
    if err then
      util.report(err, 'the answer was not taken')
      return
    end
    local given = result.approval or {}
    if given.decision and given.decision ~= decision then
      util.notify(string.format('already answered by %s: %s', given.by or 'somebody else', given.decision))
    end
  end)
end

local function ask_allow(approval, close)
  vim.ui.select(allow_choices, {
    prompt = 'Answer ' .. (approval.agentName or approval.agentId) .. ':',
    kind = 'swarm-approval',
    format_item = function(choice)
      return choice.label
    end,
  }, function(choice)
    close()
    if choice then
      decide(approval, choice.decision)
    end
  end)
end

local function ask_reason(approval, close)
  vim.ui.input({ prompt = 'Reject; what should it know or do instead? ' }, function(reason)
    close()
    if reason then
      decide(approval, 'reject', reason ~= '' and reason or nil)
    end
  end)
end

--- Shows the oldest open question of an agent; allow: asks how to allow it, else why not to.
function M.answer(id, allow)
  connection.request('swarm/get', { agentId = id }, function(err, result)
    if err then
      util.report(err)
      return
    end
    local approval = (result.approvals or {})[1]
    if not approval then
      util.notify(id .. ' asks nothing')
      return
    end
    local close = show(approval)
    if allow then
      ask_allow(approval, close)
    else
      ask_reason(approval, close)
    end
  end)
end

return M
