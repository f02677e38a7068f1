-- SPDX-License-Identifier: MIT
-- The server through Neovim's own LSP RPC client, for autoload/swarm/nvim.vim: a session is a number
-- there, and so is each request.
local M = {}

local STDERR_TAIL = 4096 -- bytes of the server's stderr in which its last line is looked for
local STDERR_SHOWN = 200 -- bytes of that line

local sessions = {}

-- Neovim 0.10 merged the command's name and its arguments into one list.
local function rpc_start(command, dispatchers)
  if vim.fn.has('nvim-0.10') == 1 then
    return vim.lsp.rpc.start(command, dispatchers)
  end
  return vim.lsp.rpc.start(command[1], vim.list_slice(command, 2), dispatchers)
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
    return ''
  end
  local size = file:seek('end')
  file:seek('set', math.max(0, size - STDERR_TAIL))
  local last = ''
  for line in (file:read('*a') or ''):gmatch('[^\r\n]+') do
    last = line
  end
  file:close()
  os.remove(path)
  return last:sub(1, STDERR_SHOWN)
end

-- Newer Neovim leaves JSON's null in place.
local function without_null(value)
  if type(value) == 'table' then
    for key, member in pairs(value) do
      if member == vim.NIL then
        value[key] = nil
      elseif type(member) == 'table' then
        without_null(member)
      end
    end
  end
  return value
end

local function dispatchers_of(session, stderr)
  return {
    notification = function(method, params)
      vim.fn['swarm#nvim#notified'](session, method, without_null(params) or vim.empty_dict())
    end,
    server_request = function(method)
      return nil, vim.lsp.rpc.rpc_response_error(vim.lsp.protocol.ErrorCodes.MethodNotFound, method)
    end,
    on_error = function(code, problem)
      local name = vim.lsp.rpc.client_errors[code] or code
      vim.schedule(function()
        vim.fn['swarm#nvim#troubled'](session, string.format('%s: %s', name, vim.inspect(problem)))
      end)
    end,
    on_exit = function(code, signal)
      vim.schedule(function()
        sessions[session] = nil
        local how = signal ~= 0 and 'was ended by signal ' .. signal or 'ended with exit code ' .. code
        vim.fn['swarm#nvim#exited'](session, how, last_line(stderr))
      end)
    end,
  }
end

--- Returns why it could not be started, or nil.
function M.start(session, command)
  local stderr = vim.fn.tempname()
  local started, rpc = pcall(rpc_start, with_stderr(command, stderr), dispatchers_of(session, stderr))
  if not started or not rpc then
    return rpc or 'see the message above'
  end
  sessions[session] = rpc
end

function M.request(session, key, method, params)
  if not sessions[session] then
    return
  end
  if params == vim.NIL then
    params = nil
  end
  sessions[session].request(method, params, function(err, result)
    if result == nil then
      result = vim.NIL
    end
    -- The RPC client gives its errors a function to print themselves, which Vimscript cannot hold.
    local plain = err and { code = err.code, message = err.message, data = err.data } or vim.empty_dict()
    vim.fn['swarm#nvim#answered'](key, without_null(plain), without_null(result))
  end)
end

function M.notify(session, method, params)
  if sessions[session] then
    sessions[session].notify(method, params ~= vim.NIL and params or nil)
  end
end

return M
