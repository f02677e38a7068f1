" SPDX-License-Identifier: MIT
" What the parts tell each other, and what other people's configurations are told.
"
"   swarm#event#on(name, Fn)      Fn(data) is called for each event of that name
"   swarm#event#off(name, Fn)
"   swarm#event#emit(name, data)
"
" One who listens does not know who speaks. The names, and what `data` has:
"
"   ready   {}                 the server has answered `initialize`
"   exit    {reason}           it ended without being asked to; the reason is a clause of its own
"   events  [event]            a batch of the server's, in order; for state.vim
"   agent   {id, agent, old}   a snapshot came; old is {} for an agent that was not known
"   gone    {id, agent}        an agent was removed
"   agents  {}                 the whole list was read anew
"   item, delta, turn          the protocol's event of that type, of agents that are watched
"   reset   {}                 events are missing: what is shown of items must be read anew
"   emptied {bufnr}            `:edit` has taken the lines of a buffer of ours; those rendered are back
"   opened, uncovered  {bufnr} a buffer of ours came into a new window; came back from below another
"
"   swarm#event#user(name, data)  triggers the User autocommand Swarm{name}; the data is in
"                                 g:swarm_event, and in v:event.data where the editor has that

let s:listeners = {}

function! swarm#event#on(name, Fn) abort
  let s:listeners[a:name] = get(s:listeners, a:name, []) + [a:Fn]
endfunction

function! swarm#event#off(name, Fn) abort
  let s:listeners[a:name] = filter(copy(get(s:listeners, a:name, [])), 'v:val isnot a:Fn && v:val != a:Fn')
endfunction

function! swarm#event#emit(name, data) abort
  for Listener in get(s:listeners, a:name, [])
    call Listener(a:data)
  endfor
endfunction

function! swarm#event#user(name, data) abort
  let pattern = 'Swarm' .. a:name
  if exists('#User#' .. pattern)
    let g:swarm_event = a:data
    call swarm#editor#call('user', pattern, a:data)
  endif
endfunction
