" SPDX-License-Identifier: MIT
" What a person chooses to see: :Swarm filter, sort and scope, and their keys. The choice holds for
" this session; without one the options `sort` and `scope` of g:swarm do.
"
"   swarm#dashboard#choose#choice()   {filter: text, sort, session: bool}

let s:chosen = {'filter': '', 'sort': '', 'scope': ''}
let s:sorts = ['age', 'activity', 'name', 'cost', 'tokens']
let s:scopes = ['all', 'session']

function! swarm#dashboard#choose#choice() abort
  let scope = empty(s:chosen.scope) ? swarm#config#get('scope') : s:chosen.scope
  return {'filter': s:chosen.filter, 'sort': empty(s:chosen.sort) ? swarm#config#get('sort') : s:chosen.sort,
        \ 'session': scope ==# 'session'}
endfunction

" Without a word the next of the choices is taken.
function! s:choose(name, word, choices, now) abort
  if empty(a:word)
    let s:chosen[a:name] = a:choices[(index(a:choices, a:now) + 1) % len(a:choices)]
  elseif index(a:choices, a:word) < 0
    call swarm#ui#error(printf('%s is none of %s', a:word, join(a:choices, ', ')))
    return
  else
    let s:chosen[a:name] = a:word
  endif
  call swarm#dashboard#changed()
endfunction

function! swarm#dashboard#choose#sort(words, command) abort
  call s:choose('sort', a:words, s:sorts, swarm#dashboard#choose#choice().sort)
endfunction

function! swarm#dashboard#choose#scope(words, command) abort
  call s:choose('scope', a:words, s:scopes, swarm#dashboard#choose#choice().session ? 'session' : 'all')
endfunction

function! swarm#dashboard#choose#filter(words, command) abort
  let s:chosen.filter = a:words
  call swarm#dashboard#changed()
endfunction

function! swarm#dashboard#choose#ask() abort
  call swarm#ui#input({'prompt': 'Show agents with: ', 'default': s:chosen.filter},
        \ {text -> type(text) == v:t_string ? swarm#dashboard#choose#filter(text, {}) : 0})
endfunction

function! swarm#dashboard#choose#filters() abort
  return ['waiting', 'working', 'paused', 'done', 'failed', 'killed', 'detached']
endfunction

function! swarm#dashboard#choose#sorts() abort
  return copy(s:sorts)
endfunction

function! swarm#dashboard#choose#scopes() abort
  return copy(s:scopes)
endfunction
