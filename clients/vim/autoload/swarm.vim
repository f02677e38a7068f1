" SPDX-License-Identifier: MIT
" What configurations call. Nothing here starts the server.
"
"   swarm#statusline()   for a status line: 'swarm 1? 2●': one open question, two agents work; '' when
"                        there is neither
scriptencoding utf-8

function! swarm#statusline() abort
  " Until a command has loaded it there is nothing to tell.
  if !exists('*swarm#state#agents')
    return ''
  endif
  let [open, working] = [0, 0]
  for agent in values(swarm#state#agents())
    let open += get(agent, 'approvals')
    let working += index(['working', 'starting', 'queued'], agent.state) >= 0
  endfor
  let parts = (open ? [open .. '?'] : []) + (working ? [working .. (&encoding ==# 'utf-8' ? '●' : '*')] : [])
  return empty(parts) ? '' : 'swarm ' .. join(parts)
endfunction
