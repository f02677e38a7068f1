" SPDX-License-Identifier: MIT
" What time changes on the dashboard: ages. Only lines whose age reads differently are drawn, and a few
" at a time, so that no key waits for all of them.
"
"   swarm#dashboard#clock#drawn(agent, now)   its line shows its age of now
"   swarm#dashboard#clock#is_due(id, now)     does its age read differently by now?
"   swarm#dashboard#clock#draw(ids, Draw)     Draw(id) for each of them, soon; what the call before has
"                                             left undone is given up

let s:SLICE = 4 " lines at once
let s:PAUSE = 25 " ms between two slices

let s:aged = {} " id -> when its age reads differently
let s:waiting = [] " ids
let s:timer = -1

function! s:next_age(agent, now) abort
  let created = swarm#util#seconds(get(a:agent, 'createdAt', ''))
  if created is v:null
    return 1 / 0
  endif
  let age = max([0, float2nr(floor(a:now - created))])
  let unit = age < 60 ? 1 : age < 3600 ? 60 : age < 86400 ? 3600 : 86400
  return float2nr(ceil(created)) + (age / unit + 1) * unit
endfunction

function! swarm#dashboard#clock#drawn(agent, now) abort
  let s:aged[a:agent.id] = s:next_age(a:agent, a:now)
endfunction

function! swarm#dashboard#clock#is_due(id, now) abort
  return get(s:aged, a:id) <= a:now
endfunction

function! s:slice(Draw, timer) abort
  let s:timer = -1
  for id in remove(s:waiting, 0, min([s:SLICE, len(s:waiting)]) - 1)
    call a:Draw(id)
  endfor
  call s:go_on(a:Draw)
endfunction

function! s:go_on(Draw) abort
  if !empty(s:waiting)
    let s:timer = timer_start(s:PAUSE, function('s:slice', [a:Draw]))
  endif
endfunction

function! swarm#dashboard#clock#draw(ids, Draw) abort
  if s:timer >= 0
    call timer_stop(s:timer)
    let s:timer = -1
  endif
  let s:waiting = a:ids
  call s:go_on(a:Draw)
endfunction
