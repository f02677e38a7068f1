" SPDX-License-Identifier: MIT
" How an agent's state looks and reads, on the dashboard and below its transcript.
"
"   swarm#sign#of(agent)      one character; a turn that did not simply come to its end is not `done`
"   swarm#sign#group(state)   its highlight group
"   swarm#sign#reason(agent)  why its turn ended, '' when that needs no word
scriptencoding utf-8

let s:signs = &encoding ==# 'utf-8' ? {'queued': '…', 'blocked': '!', 'starting': '+', 'idle': '-', 'working': '●',
      \ 'waiting': '?', 'paused': '=', 'done': '✓', 'failed': '✗', 'killed': '✗', 'detached': '~'}
      \ : {'queued': '.', 'blocked': '!', 'starting': '+', 'idle': '-', 'working': '*', 'waiting': '?',
      \ 'paused': '=', 'done': 'v', 'failed': 'x', 'killed': 'x', 'detached': '~'}
let s:groups = {'working': 'SwarmActive', 'starting': 'SwarmActive', 'waiting': 'SwarmWaiting',
      \ 'blocked': 'SwarmWaiting', 'detached': 'SwarmWaiting', 'done': 'SwarmDone', 'failed': 'SwarmFailed',
      \ 'killed': 'SwarmFailed'}
let s:reasons = {
      \ 'maxTokens': 'the answer was cut off at its longest',
      \ 'maxSteps': 'it came to the limit of steps',
      \ 'timeout': 'it came to the limit of time',
      \ 'budget': 'its budget is used up',
      \ 'cancelled': 'cancelled',
      \ 'refused': 'the model refused',
      \ }

function! swarm#sign#reason(agent) abort
  return a:agent.state ==# 'done' ? get(s:reasons, get(a:agent, 'stopReason', ''), '') : ''
endfunction

function! swarm#sign#of(agent) abort
  return a:agent.state ==# 'done' && has_key(s:reasons, get(a:agent, 'stopReason', '')) ? '-'
        \ : get(s:signs, a:agent.state, '-')
endfunction

function! swarm#sign#group(state) abort
  return get(s:groups, a:state, 'SwarmDim')
endfunction
