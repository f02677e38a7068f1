-- SPDX-License-Identifier: MIT
-- The options (`g:swarm`, `g:swarm_server`), read when they are used, so that they may be set at
-- any time and nothing has to be called first.
local M = {}

local defaults = {
  open = 'split', -- how a transcript opens: split, vsplit, tab, none
  output_lines = 5, -- lines of a tool's output that stay visible above the fold
  page = 200, -- items of a transcript that are read at once
  prompt_height = 8, -- the prompt below a transcript grows to this many lines
  notify = true, -- say when an agent that is not on the screen waits, fails or is done
  model = nil, -- for new agents: provider/model
  mode = nil, -- for new agents: ask, edit, full, read
  isolation = nil, -- for new agents: worktree, none
  base = nil, -- for new agents: the commit or branch they start from
}

function M.get(name)
  local options = type(vim.g.swarm) == 'table' and vim.g.swarm or {}
  if options[name] ~= nil then
    return options[name]
  end
  return defaults[name]
end

-- The source tree that the plugin is part of, also when it is found through a link.
local function source_tree()
  local source = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p')
  return vim.fn.fnamemodify((vim.uv or vim.loop).fs_realpath(source) or source, ':h:h:h:h:h')
end

--- The server's command as a list, or nil and what to do about it.
function M.server()
  local server = vim.g.swarm_server
  if server ~= nil and server ~= '' then
    local command = type(server) == 'table' and server or { vim.fn.expand(server) }
    if vim.fn.executable(command[1]) == 1 then
      return command
    end
    return nil, string.format('g:swarm_server names %s, which cannot be run: correct it, or unset it', command[1])
  end
  if vim.fn.executable('swarmd') == 1 then
    return { 'swarmd' }
  end
  local tree = source_tree()
  local built = tree .. '/build/release/bin/swarmd'
  if vim.fn.executable(built) == 1 then
    return { built }
  end
  return nil,
    'swarmd was not found: put it on PATH, or set g:swarm_server to its path, or build it in '
      .. vim.fn.fnamemodify(tree, ':~')
      .. ' with: cmake --preset release && cmake --build --preset release'
end

return M
