" SPDX-License-Identifier: MIT
" What was sent, to be sent again: one list for all agents, the newest last. What was said to an
" agent in an earlier session comes from its transcript.

let s:MAX = 200

let s:sent = []

function! swarm#prompt#history#add(text) abort
  call filter(s:sent, 'v:val !=# a:text')
  call add(s:sent, a:text)
  if len(s:sent) > s:MAX
    call remove(s:sent, 0, len(s:sent) - s:MAX - 1)
  endif
endfunction

" Texts of old, the oldest first: they go before what was sent in this session.
function! swarm#prompt#history#seed(texts) abort
  let known = {}
  for text in s:sent
    let known[text] = 1
  endfor
  let s:sent = filter(copy(a:texts), 'v:val !=# "" && !has_key(known, v:val)') + s:sent
  let s:sent = swarm#items#text#last(s:sent, s:MAX)
endfunction

" A walk through it, which begins with what is being written.
function! swarm#prompt#history#walk(draft) abort
  return {'list': copy(s:sent) + [a:draft], 'at': len(s:sent)}
endfunction

" The text so many steps back (or, negative, forward) from there; the ends hold. `text` is what the
" present place has become meanwhile.
function! swarm#prompt#history#step(walk, steps, text) abort
  let a:walk.list[a:walk.at] = a:text
  let a:walk.at = max([0, min([len(a:walk.list) - 1, a:walk.at - a:steps])])
  return a:walk.list[a:walk.at]
endfunction
