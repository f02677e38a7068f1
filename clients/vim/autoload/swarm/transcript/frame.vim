" SPDX-License-Identifier: MIT
" The head and the foot of a transcript: from an agent's snapshot to lines, nothing else.
scriptencoding utf-8

let s:text = function('swarm#items#text#of')

let s:line = function('swarm#items#text#painted')

function! swarm#transcript#frame#head(id, agent) abort
  if empty(a:agent)
    return {'lines': [s:line(a:id, 'SwarmTitle')], 'folds': []}
  endif
  let lines = [s:line(swarm#state#name(a:agent) . ' · ' . a:agent.state, 'SwarmTitle')]
  let worktree = swarm#util#home(s:text(a:agent, 'worktree'))
  for [label, value] in [['id', swarm#state#name(a:agent) ==# a:agent.id ? '' : a:agent.id], ['model', swarm#state#model(a:agent)],
        \ ['mode', s:text(a:agent, 'mode')], ['branch', s:text(a:agent, 'branch')], ['worktree', worktree]]
    if value !=# ''
      call add(lines, s:line(printf('  %-9s %s', label, swarm#util#one_line(value)), 'SwarmDim'))
    endif
  endfor
  return {'lines': lines, 'folds': []}
endfunction

function! s:done(agent) abort
  let reason = swarm#sign#reason(a:agent)
  let tokens = swarm#state#tokens(a:agent)
  return (reason ==# '' ? '✓ done' : '- done: ' . reason)
        \ . (tokens > 0 ? ' · ' . swarm#util#count(tokens) . ' tokens' : '')
endfunction

function! s:state(agent, transcript) abort
  let state = a:agent.state
  if state ==# 'done'
    return s:done(a:agent)
  elseif state ==# 'failed'
    let error = get(a:agent, 'error', {})
    let message = type(error) == v:t_dict ? s:text(error, 'message') : ''
    return '✗ failed' . (message ==# '' ? '' : ': ' . swarm#util#one_line(message))
  elseif state ==# 'detached'
    return "~ cut off by the server's end: r resumes it"
  elseif state ==# 'waiting'
    return '? waits for your answer'
  endif
  let sign = swarm#transcript#spinner#turns(a:agent) ? swarm#transcript#spinner#frame(a:transcript) :
        \ swarm#sign#of(a:agent)
  let activity = s:text(a:agent, 'activity')
  return sign . ' ' . swarm#util#one_line(activity ==# '' ? state : activity)
endfunction

" transcript: see transcript.vim; of it the problem, the queue and the spinner's frame.
function! swarm#transcript#frame#foot(agent, transcript) abort
  if a:transcript.problem !=# ''
    return {'lines': ['', s:line('✗ ' . swarm#util#one_line(a:transcript.problem), 'SwarmFailed')], 'folds': []}
  elseif empty(a:agent)
    return {'lines': [], 'folds': []}
  endif
  let lines = []
  for message in a:transcript.queue
    let text = swarm#util#one_line(s:text(message, 'text'))
    let lines += ['', s:line('> (queued) ' . text, 'SwarmDim')]
  endfor
  if !empty(lines)
    call add(lines, s:line('  e edit   x drop', 'SwarmKey'))
  endif
  let state = s:line(s:state(a:agent, a:transcript), swarm#sign#group(a:agent.state))
  return {'lines': lines + ['', state], 'folds': []}
endfunction

" Which of the queued messages stands at that line of the foot (from 0); -1 for none.
function! swarm#transcript#frame#queued_at(transcript, line) abort
  let index = a:line / 2
  return a:line % 2 == 1 && index < len(a:transcript.queue) ? index : -1
endfunction
