" SPDX-License-Identifier: MIT
" Tells people and their configurations when an agent changes its state: a message that takes no
" focus, and the autocommand User SwarmAgentChanged. Questions have a notice of their own
" (approval/notice.vim). swarm#attention#start() is called by the first command.

function! swarm#attention#start() abort
  call swarm#approval#notice#on()
endfunction

function! s:agent(data) abort
  let [agent, old] = [a:data.agent, a:data.old]
  let was = get(old, 'state', '')
  if was ==# agent.state
    return
  endif
  call swarm#event#user('AgentChanged', extend({'id': agent.id, 'name': swarm#state#name(agent), 'state': agent.state,
        \ 'agent': agent}, empty(was) ? {} : {'old': was}))
  " An agent that is seen for the first time has not changed: it is from before.
  if !empty(was) && get(agent, 'scope', '') ==# swarm#rpc#scope() && swarm#config#get('notify')
        \ && !swarm#transcript#visible(agent.id)
    call s:tell(agent)
  endif
endfunction

function! s:tell(agent) abort
  let name = swarm#state#name(a:agent)
  if a:agent.state ==# 'failed'
    let message = get(get(a:agent, 'error', {}), 'message', '')
    call swarm#ui#error(name .. ': failed' .. (empty(message) ? '' : ': ' .. message))
  elseif a:agent.state ==# 'done'
    call swarm#ui#info(name .. ': done')
  endif
endfunction

call swarm#event#on('agent', function('s:agent'))
