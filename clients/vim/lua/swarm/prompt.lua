-- SPDX-License-Identifier: MIT
-- The prompt below a transcript: a small window with a buffer of its own, so that nothing that
-- streams above can disturb what is being typed. <CR> sends.
local actions = require('swarm.actions')
local config = require('swarm.config')
local state = require('swarm.state')
local view = require('swarm.view')

local M = {}

local api = vim.api
local HINT = '<CR> sends to %s · <C-j> new line'

local namespace = api.nvim_create_namespace('swarm-prompt')

local function name_of(id)
  return 'swarm://agent/' .. id .. '/prompt'
end

local function text_of(buffer)
  return table.concat(api.nvim_buf_get_lines(buffer, 0, -1, true), '\n')
end

local function hint(buffer, id)
  api.nvim_buf_clear_namespace(buffer, namespace, 0, -1)
  api.nvim_buf_set_extmark(buffer, namespace, 0, 0, { sign_text = '▌', sign_hl_group = 'SwarmUser' })
  if text_of(buffer) == '' then
    local agent = state.agents[id]
    local text = string.format(HINT, agent and state.name(agent) or id)
    api.nvim_buf_set_extmark(buffer, namespace, 0, 0, {
      virt_text = { { text, 'SwarmDim' } },
      virt_text_pos = 'overlay',
    })
  end
end

-- As high as its text, within bounds.
local function fit_height(buffer)
  local height = math.max(1, math.min(api.nvim_buf_line_count(buffer), config.get('prompt_height')))
  for _, window in ipairs(view.windows(buffer)) do
    if api.nvim_win_get_height(window) ~= height then
      api.nvim_win_set_height(window, height)
    end
  end
end

local function send(buffer, id)
  local text = vim.trim(text_of(buffer))
  if text == '' then
    return
  end
  api.nvim_buf_set_lines(buffer, 0, -1, true, {})
  vim.bo[buffer].modified = false
  fit_height(buffer)
  actions.send(id, text, function(err)
    -- What could not be sent comes back, unless something else was begun meanwhile.
    if err and api.nvim_buf_is_valid(buffer) and text_of(buffer) == '' then
      api.nvim_buf_set_lines(buffer, 0, -1, true, vim.split(text, '\n', { plain = true }))
      fit_height(buffer)
    end
  end)
end

local function transcript_window(id)
  local buffer = view.find('swarm://agent/' .. id)
  return buffer and view.window_here(buffer)
end

local function setup(id)
  return function(buffer)
    vim.bo[buffer].modifiable = true
    vim.bo[buffer].buftype = 'acwrite'
    vim.bo[buffer].undolevels = vim.o.undolevels
    local function here()
      send(buffer, id)
    end
    local function map(modes, key, action, description)
      vim.keymap.set(modes, key, action, { buffer = buffer, nowait = true, silent = true, desc = description })
    end
    map({ 'n', 'i' }, '<CR>', here, 'send')
    map({ 'n', 'i' }, '<C-s>', here, 'send')
    map('i', '<C-j>', '<CR>', 'new line')
    map('n', 'g?', function()
      require('swarm.help').show(buffer)
    end, 'this help')
    map('n', 'q', function()
      local window = transcript_window(id)
      M.close(id)
      if window then
        view.close(window)
      end
    end, 'close, with the transcript')
    api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'BufWinEnter' }, {
      buffer = buffer,
      callback = function()
        -- A message that was begun is no reason to ask at the editor's end.
        vim.bo[buffer].modified = false
        hint(buffer, id)
        fit_height(buffer)
      end,
    })
    api.nvim_create_autocmd('BufWriteCmd', { buffer = buffer, callback = here })
    hint(buffer, id)
  end
end

local function below(window, buffer)
  api.nvim_win_call(window, function()
    vim.cmd('noautocmd belowright 1split')
    local made = api.nvim_get_current_win()
    api.nvim_win_set_buf(made, buffer)
    view.window_options(made, {
      'winfixheight',
      'wrap',
      'linebreak',
      'nonumber',
      'norelativenumber',
      'nolist',
      'nocursorline',
      'signcolumn=yes',
      'foldcolumn=0',
      'colorcolumn=',
      'nofoldenable',
    })
  end)
  fit_height(buffer)
end

--- Shows the agent's prompt below the window of its transcript, without going there.
function M.show(id, window)
  M.tidy()
  local buffer = view.buffer(name_of(id), 'swarmprompt', setup(id))
  if not view.window_here(buffer) then
    below(window, buffer)
  end
end

--- Goes to the prompt, to write.
function M.enter(id, window)
  M.show(id, window)
  api.nvim_set_current_win(view.window_here(view.find(name_of(id))))
  vim.cmd('startinsert!')
end

function M.close(id)
  local buffer = view.find(name_of(id))
  for _, window in ipairs(buffer and view.windows(buffer) or {}) do
    pcall(api.nvim_win_close, window, true)
  end
end

--- Closes the prompts of this tab page whose transcripts have gone from it.
function M.tidy()
  for _, window in ipairs(api.nvim_tabpage_list_wins(0)) do
    local id = api.nvim_buf_get_name(api.nvim_win_get_buf(window)):match('^swarm://agent/(.+)/prompt$')
    if id and not transcript_window(id) then
      if not pcall(api.nvim_win_close, window, true) then
        vim.cmd('silent! quit')
      end
    end
  end
end

api.nvim_create_autocmd('WinClosed', {
  group = api.nvim_create_augroup('SwarmPrompt', {}),
  callback = vim.schedule_wrap(M.tidy),
})

return M
