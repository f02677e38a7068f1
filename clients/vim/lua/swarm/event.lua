-- SPDX-License-Identifier: MIT
-- What the parts tell each other. One who listens does not know who speaks.
--
--   ready ()             the server answered `initialize`
--   events (list)        a batch came from the server; for state.lua
--   exit (reason)        the server ended without being asked to; the reason is a clause of its own
--   agent (agent, old)   a snapshot came; old is nil for a new agent
--   removed (id)         an agent is gone
--   agents ()            the whole list was read anew
--   stream (event)       an `item`, `delta` or `turn` of the protocol, in order
--   reset ()             events are missing: what is shown must be read anew
local M = {}

local listeners = {}

function M.on(name, listener)
  listeners[name] = listeners[name] or {}
  table.insert(listeners[name], listener)
end

function M.emit(name, ...)
  for _, listener in ipairs(listeners[name] or {}) do
    listener(...)
  end
end

return M
