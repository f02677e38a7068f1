" SPDX-License-Identifier: MIT
" What is known of the agents, kept up to date by the server's events.
"
"   swarm#state#agents()          id -> the newest snapshot, as the protocol has it. A snapshot is
"                                 replaced, never changed: take what you need, change nothing
"   swarm#state#get(id)           one of them, {} when there is none
"   swarm#state#matching(prefix)  those whose id or name begins with it, oldest first; '' for all
"   swarm#state#loaded()          was the list read from the server that runs now?
"   swarm#state#refresh([Fn])     reads the list anew, and starts the server when there is none.
"                                 Fn(error) is called when it is there
"   swarm#state#put(agent)        a snapshot that came as the result of a request
"   swarm#state#watch(id, Fn[, after])   Fn(event) for each `item`, `delta` and `turn` event of one
"                                 agent from now on, or those behind the seq `after`, too: give the
"                                 `seq` of the page that you have read. The events `reset` and `ready`
"                                 (event.vim) mean: read the page anew, and watch again
"   swarm#state#unwatch(id, Fn)
"   swarm#state#name(agent)       what people call it
"   swarm#state#model(agent)      provider/model
"   swarm#state#tokens(agent)     in and out

let s:agents = {}
let s:seq = 0 " of the newest event that was seen
let s:loaded = v:false
let s:seen = v:null " while the list is read: ids of agents that are known to be there
let s:waiting = v:null " while the list is read: who waits for it
let s:watchers = {} " id -> [Fn]

function! swarm#state#agents() abort
  return s:agents
endfunction

function! swarm#state#get(id) abort
  return get(s:agents, a:id, {})
endfunction

function! swarm#state#loaded() abort
  return s:loaded
endfunction

function! swarm#state#put(agent) abort
  let id = a:agent.id
  let old = get(s:agents, id, {})
  let s:agents[id] = a:agent
  if s:seen isnot v:null
    let s:seen[id] = v:true
  endif
  call swarm#event#emit('agent', {'id': id, 'agent': a:agent, 'old': old})
endfunction

function! s:forget(id) abort
  if has_key(s:agents, a:id)
    let agent = remove(s:agents, a:id)
    call swarm#event#emit('gone', {'id': a:id, 'agent': agent})
    call swarm#event#user('AgentRemoved', {'id': a:id, 'name': swarm#state#name(agent)})
  endif
endfunction

" --- The list. ---

function! s:no_callback(error) abort
endfunction

function! swarm#state#refresh(...) abort
  let Done = a:0 ? a:1 : function('s:no_callback')
  if s:waiting isnot v:null
    call add(s:waiting, Done)
    return
  endif
  let s:waiting = [Done]
  let s:seen = {}
  call s:read_page(v:null)
endfunction

" A page at a time: what an event says about an agent meanwhile is as new as its page.
function! s:read_page(after) abort
  let params = a:after is v:null ? {} : {'after': a:after}
  call swarm#rpc#request('swarm/list', params, function('s:took_page'))
endfunction

function! s:took_page(error, result) abort
  if empty(a:error)
    for agent in get(a:result, 'agents', [])
      call swarm#state#put(agent)
    endfor
    let s:seq = max([s:seq, get(a:result, 'seq')])
    if has_key(a:result, 'next')
      call s:read_page(a:result.next)
      return
    endif
    for id in keys(s:agents)
      if !has_key(s:seen, id)
        call s:forget(id)
      endif
    endfor
    let s:loaded = v:true
  endif
  let s:seen = v:null
  let waiting = s:waiting is v:null ? [] : s:waiting
  let s:waiting = v:null
  if empty(a:error)
    call swarm#event#emit('agents', {})
  endif
  for Done in waiting
    call Done(a:error)
  endfor
endfunction

" --- Events. ---

" The server sends the items of this session's agents by itself. Only transcripts that are open want
" them, and ask for their own: what nobody sees costs the editor nothing.
function! s:drop_items() abort
  call swarm#rpc#request('swarm/unsubscribe', {'scope': swarm#rpc#scope()}, function('s:followed'))
endfunction

function! s:followed(error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'following the agents')
  endif
endfunction

" The editor did not read for so long that nothing more comes. Any subscription goes on from there,
" with all that had been asked for.
function! s:catch_up(after) abort
  call swarm#rpc#request('swarm/subscribe', {'scope': swarm#rpc#scope(), 'after': a:after, 'deltas': v:false},
        \ function('s:followed'))
  call s:drop_items()
endfunction

function! s:stream(event) abort
  for Watcher in get(s:watchers, get(a:event, 'agentId', ''), [])
    call Watcher(a:event)
  endfor
  call swarm#event#emit(a:event.type, a:event)
endfunction

function! s:apply(events) abort
  for event in a:events
    if has_key(event, 'seq') && event.seq > s:seq
      let s:seq = event.seq
    endif
    let type = event.type
    if type ==# 'agent'
      call swarm#state#put(event.agent)
    elseif type ==# 'delta' || type ==# 'item' || type ==# 'turn'
      call s:stream(event)
    elseif type ==# 'removed'
      call s:forget(event.agentId)
    elseif type ==# 'lagged'
      call s:catch_up(get(event, 'after', s:seq))
    elseif type ==# 'reset'
      call swarm#state#refresh()
      call swarm#event#emit('reset', {})
    endif
  endfor
endfunction

function! s:ready(data) abort
  call s:drop_items()
  call swarm#state#refresh({error -> empty(error) ? 0 : swarm#ui#report(error, 'the list of agents')})
endfunction

function! s:exit(data) abort
  let s:loaded = v:false
  let s:watchers = {}
endfunction

" --- Single agents. ---

function! swarm#state#watch(id, Fn, ...) abort
  let s:watchers[a:id] = filter(get(s:watchers, a:id, []), 'v:val != a:Fn') + [a:Fn]
  let params = {'agentId': a:id, 'deltas': v:true}
  if a:0 && a:1 isnot v:null
    let params.after = a:1
  endif
  call swarm#rpc#request('swarm/subscribe', params,
        \ {error, result -> empty(error) ? 0 : swarm#ui#report(error, 'following ' .. a:id)})
endfunction

function! swarm#state#unwatch(id, Fn) abort
  if !has_key(s:watchers, a:id)
    return
  endif
  call filter(s:watchers[a:id], 'v:val != a:Fn')
  if empty(s:watchers[a:id])
    call remove(s:watchers, a:id)
    if get(swarm#rpc#info(), 'ready') && has_key(s:agents, a:id)
      call swarm#rpc#request('swarm/unsubscribe', {'agentId': a:id}, {error, result -> 0})
    endif
  endif
endfunction

function! s:older(one, other) abort
  let first = [get(a:one, 'createdAt', ''), a:one.id]
  let second = [get(a:other, 'createdAt', ''), a:other.id]
  return first == second ? 0 : first[0] ==# second[0] ? (first[1] ># second[1] ? 1 : -1) : (first[0] ># second[0] ? 1 : -1)
endfunction

function! swarm#state#matching(prefix) abort
  let found = values(s:agents)
  if !empty(a:prefix)
    call filter(found, 'stridx(v:val.id, a:prefix) == 0 || stridx(get(v:val, "name", ""), a:prefix) == 0')
  endif
  return sort(found, function('s:older'))
endfunction

function! swarm#state#name(agent) abort
  let name = get(a:agent, 'name', '')
  return empty(name) ? get(a:agent, 'id', '?') : name
endfunction

function! swarm#state#model(agent) abort
  let model = get(a:agent, 'model', '')
  let provider = get(a:agent, 'provider', '')
  if !empty(provider) && !empty(model) && stridx(model, '/') < 0
    let model = provider .. '/' .. model
  endif
  return provider ==# 'demo' ? model .. ' (a script, no model)' : model
endfunction

function! swarm#state#tokens(agent) abort
  let usage = get(a:agent, 'usage', {})
  return get(usage, 'inputTokens') + get(usage, 'outputTokens')
endfunction

call swarm#event#on('events', function('s:apply'))
call swarm#event#on('ready', function('s:ready'))
call swarm#event#on('exit', function('s:exit'))
