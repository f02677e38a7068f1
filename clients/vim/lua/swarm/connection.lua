-- SPDX-License-Identifier: MIT
-- The server process and the messages to and from it, through Neovim's own LSP RPC client.
--
-- There is one server. The first request starts it; requests made before it has answered
-- `initialize` wait in line. When it ends unasked, that is said once, all pending requests fail,
-- and the next request starts another.
local config = require('swarm.config')
local event = require('swarm.event')
local util = require('swarm.util')

local M = {}

local ANSWER_LIMIT = 10000 -- ms without an answer to `initialize`, after which that is said
local STDERR_TAIL = 4096 -- bytes of the server's stderr in which its last line is looked for
local STDERR_SHOWN = 200 -- bytes of that line

-- session: { rpc, ready, ending, waiting = { send functions }, pending = { callbacks }, stderr }
local session

--- The name of this editor session, which the agents that it starts carry.
M.scope = string.format('nvim-%d-%x', vim.fn.getpid(), os.time())

-- Neovim 0.10 merged the command's name and its arguments into one list.
local function rpc_start(command, dispatchers)
  if vim.fn.has('nvim-0.10') == 1 then
    return vim.lsp.rpc.start(command, dispatchers)
  end
  local arguments = vim.list_slice(command, 2)
  return vim.lsp.rpc.start(command[1], arguments, dispatchers)
end

-- The RPC client sends stderr into its log only. A shell that the server replaces at once puts it
-- where its last line can be found when the server ends.
local function with_stderr(command, file)
  if vim.fn.executable('sh') == 0 then
    return command
  end
  return vim.list_extend({ 'sh', '-c', 'exec "$@" 2>"$0"', file }, command)
end

local function last_line(path)
  local file = io.open(path, 'rb')
  if not file then
    return nil
  end
  local size = file:seek('end')
  file:seek('set', math.max(0, size - STDERR_TAIL))
  local last
  for line in (file:read('*a') or ''):gmatch('[^\r\n]+') do
    last = line
  end
  file:close()
  return last and last:sub(1, STDERR_SHOWN)
end

local function ended(which, code, signal)
  local how = signal ~= 0 and 'was ended by signal ' .. signal or 'ended with exit code ' .. code
  how = 'the server ' .. how
  local last = last_line(which.stderr)
  os.remove(which.stderr)
  if session == which then
    session = nil
  end
  if which.ending then
    return
  end
  local reason = how .. (last and ': ' .. last or '')
  util.notify(reason .. '. The next command starts it again.', 'error')
  local pending = which.pending
  which.pending = {}
  for _, callback in pairs(pending) do
    callback({ ended = true, message = reason })
  end
  event.emit('exit', reason)
end

local show_levels = { 'error', 'warning', 'info', 'info' } -- MessageType of LSP

local function on_notification(method, params)
  if method == 'swarm/events' then
    event.emit('events', util.without_null(params).events or {})
  elseif method == 'window/showMessage' then
    util.notify(params.message, show_levels[params.type])
  end
end

local function dispatchers_of(which)
  local complained = false
  return {
    notification = on_notification,
    server_request = function(method)
      return nil, vim.lsp.rpc.rpc_response_error(vim.lsp.protocol.ErrorCodes.MethodNotFound, method)
    end,
    on_error = function(code, problem)
      if not complained and not which.ending then
        complained = true
        local name = vim.lsp.rpc.client_errors[code] or code
        util.notify(string.format('trouble with the server (%s): %s', name, vim.inspect(problem)), 'error')
      end
    end,
    on_exit = function(code, signal)
      vim.schedule(function()
        ended(which, code, signal)
      end)
    end,
  }
end

-- Sends over a session that is there. The callback is kept here as well, because the RPC client
-- forgets those that have no answer when the server ends.
local function send_request(which, method, params, callback)
  local key = {}
  which.pending[key] = callback
  which.rpc.request(method, params, function(err, result)
    if which.pending[key] then
      which.pending[key] = nil
      callback(util.without_null(err), util.without_null(result))
    end
  end)
end

local function initialize_params()
  local cwd = vim.fn.getcwd()
  return {
    processId = vim.fn.getpid(),
    clientInfo = { name = 'Neovim', version = tostring(vim.version().major) .. '.' .. vim.version().minor },
    rootUri = vim.uri_from_fname(cwd),
    workspaceFolders = { { uri = vim.uri_from_fname(cwd), name = vim.fn.fnamemodify(cwd, ':t') } },
    capabilities = { experimental = { swarm = true } },
    initializationOptions = { scope = M.scope, subscribe = 'own' },
  }
end

local function initialized(which, err)
  which.answered = true
  if err then
    if not err.ended then
      util.notify('the server refused to start: ' .. err.message, 'error')
      which.ending = true
      which.rpc.notify('exit', vim.empty_dict())
      if session == which then
        session = nil
      end
    end
    local waiting = which.waiting
    which.waiting = {}
    for _, entry in ipairs(waiting) do
      entry.callback({ ended = true, message = err.message })
    end
    return
  end
  which.rpc.notify('initialized', vim.empty_dict())
  which.ready = true
  for _, entry in ipairs(which.waiting) do
    entry.send()
  end
  which.waiting = {}
  event.emit('ready')
end

local function start()
  local command, problem = config.server()
  if not command then
    return nil, problem
  end
  local which = { ready = false, waiting = {}, pending = {}, stderr = vim.fn.tempname() }
  local started, rpc = pcall(rpc_start, with_stderr(command, which.stderr), dispatchers_of(which))
  if not started or not rpc then
    return nil, string.format('%s could not be started: %s', command[1], rpc or 'see the message above')
  end
  which.rpc = rpc
  which.command = command
  send_request(which, 'initialize', initialize_params(), function(err, result)
    which.server_info = result and result.serverInfo
    initialized(which, err)
  end)
  vim.defer_fn(function()
    if session == which and not which.answered then
      util.notify(command[1] .. ' has started but does not answer; waiting for it', 'warning')
    end
  end, ANSWER_LIMIT)
  return which
end

--- Makes a request, and starts the server when there is none. callback(err, result) comes exactly
--- once; err has a message, and `ended` when the end of the server was the cause (already shown).
function M.request(method, params, callback)
  if not session then
    local problem
    session, problem = start()
    if not session then
      util.notify(problem, 'error')
      callback({ ended = true, message = problem })
      return
    end
  end
  local which = session
  local function send()
    -- An empty table would become a JSON array.
    local empty = not params or next(params) == nil
    send_request(which, method, empty and vim.empty_dict() or params, callback)
  end
  if which.ready then
    send()
  else
    table.insert(which.waiting, { send = send, callback = callback })
  end
end

--- Is there a server, and what is known of it: { command, info, ready }, or nil.
function M.info()
  if session then
    return { command = session.command, info = session.server_info, ready = session.ready }
  end
end

--- Ends the server in good order. Nothing is waited for: the editor may be on its way out, and the
--- two messages are in the pipe when this returns.
function M.stop()
  if session then
    session.ending = true
    if session.ready then
      session.rpc.request('shutdown', nil, function() end)
    end
    session.rpc.notify('exit', nil)
    session = nil
  end
end

vim.api.nvim_create_autocmd('VimLeavePre', {
  group = vim.api.nvim_create_augroup('SwarmConnection', {}),
  callback = M.stop,
})

return M
