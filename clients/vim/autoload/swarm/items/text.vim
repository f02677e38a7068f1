" SPDX-License-Identifier: MIT
" Members of the protocol's objects, and their text as lines. Pure: it knows no buffer and no agent.

" A member of a dictionary when it is a string; else ''.
function! swarm#items#text#of(dict, key) abort
  let value = get(a:dict, a:key, '')
  return type(value) == v:t_string ? value : ''
endfunction

" The same for numbers; else 0.
function! swarm#items#text#number(dict, key) abort
  let value = get(a:dict, a:key, 0)
  return type(value) == v:t_number || type(value) == v:t_float ? value : 0
endfunction

" The same for objects; else {}.
function! swarm#items#text#dict(dict, key) abort
  let value = get(a:dict, a:key, {})
  return type(value) == v:t_dict ? value : {}
endfunction

" The same for lists; else [].
function! swarm#items#text#list(dict, key) abort
  let value = get(a:dict, a:key, [])
  return type(value) == v:t_list ? value : []
endfunction

" The lines of a text, without empty ones at its end; no text is no line.
function! swarm#items#text#whole(text) abort
  let text = substitute(a:text, '\n\+$', '', '')
  return text ==# '' ? [] : swarm#util#lines(text)
endfunction

" The first lines of a text and how many there are: only those are looked at that are shown.
function! swarm#items#text#first(text, number) abort
  let lines = split(a:text, "\n", 1)
  while !empty(lines) && lines[-1] ==# ''
    call remove(lines, -1)
  endwhile
  let shown = swarm#util#lines(join(lines[: a:number - 1], "\n"))[: a:number - 1]
  return [empty(lines) ? [] : shown, len(lines)]
endfunction

" A line in one colour.
function! swarm#items#text#painted(text, group) abort
  return a:text ==# '' ? '' : {'text': a:text, 'spans': [[0, strlen(a:text), a:group]]}
endfunction

" The last so many of a list, all when there are fewer. (Vim's own list[-n :] is empty then.)
function! swarm#items#text#last(list, number) abort
  return a:number < 1 ? [] : a:list[max([0, len(a:list) - a:number]) :]
endfunction
