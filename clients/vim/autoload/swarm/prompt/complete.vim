" SPDX-License-Identifier: MIT
" What may stand in a prompt: `/command argument` as the first words, and `@path` anywhere.
"
" A context is {folder, models, modes, commands}; who has the values fills it.

let s:PATHS_MAX = 200

let s:commands = [
      \ ['/compact', 'summarise the older part of its context; words say what to mind'],
      \ ['/interrupt', 'send this now: the turn is cancelled for it'],
      \ ['/mode', 'ask, edit, full or read'],
      \ ['/model', 'provider/model, from the next request on'],
      \ ['/steer', 'send this into the present turn'],
      \ ]

function! swarm#prompt#complete#commands() abort
  return map(copy(s:commands), 'v:val[0][1:]')
endfunction

let s:modes = [
      \ ['ask', 'asks before commands and changes'],
      \ ['edit', 'asks before commands'],
      \ ['full', 'never asks'],
      \ ['read', 'changes nothing'],
      \ ]

" [command, rest] when the text begins with a command of ours; ['', text] otherwise.
function! swarm#prompt#complete#parse(text) abort
  let parts = matchlist(a:text, '\v^/(\l+)%(\s+(\_.*))?$')
  if empty(parts) || index(swarm#prompt#complete#commands(), parts[1]) < 0
    return ['', a:text]
  endif
  return [parts[1], trim(parts[2])]
endfunction

function! s:matching(rows, base) abort
  let rows = filter(copy(a:rows), 'stridx(v:val[0], a:base) == 0')
  return map(rows, '{"word": v:val[0], "menu": v:val[1]}')
endfunction

" Models are long: any part of their names will do.
function! s:models(models, base) abort
  let fitting = filter(copy(a:models), 'stridx(tolower(v:val[0]), tolower(a:base)) >= 0')
  return map(fitting, '{"word": v:val[0], "menu": v:val[1]}')
endfunction

" Files below the folder that go on as the base does; folders end in a slash.
function! s:paths(folder, base) abort
  if a:folder ==# ''
    return []
  endif
  let hidden = fnamemodify(a:base, ':t')[0] ==# '.'
  let folder = matchstr(a:base, '^.*/')
  let tail = strpart(a:base, strlen(folder))
  let found = []
  for name in s:names(a:folder . '/' . folder)
    if stridx(name, tail) == 0 && (hidden || name[0] !=# '.')
      let slash = isdirectory(a:folder . '/' . folder . name) ? '/' : ''
      call add(found, {'word': '@' . folder . name . slash, 'menu': ''})
    endif
    if len(found) >= s:PATHS_MAX
      break
    endif
  endfor
  return found
endfunction

function! s:names(folder) abort
  try
    return sort(filter(readdir(a:folder), 'v:val !=# ".git"'))
  catch /^Vim\%((\a\+)\)\=:E/
    return []
  endtry
endfunction

" What completes the text before the cursor: {start, items}; start is a byte, from 0, of the cursor's
" line; -1 when there is nothing to complete. first: whether that line is the prompt's first.
function! swarm#prompt#complete#at(before, first, context) abort
  let path = matchstr(a:before, '\%(^\|\s\|(\)\zs@\S*$')
  if path !=# ''
    return {'start': strlen(a:before) - strlen(path), 'items': s:paths(a:context.folder, path[1:])}
  elseif !a:first || a:before[0] !=# '/'
    return {'start': -1, 'items': []}
  elseif a:before =~# '^/\l*$'
    return {'start': 0, 'items': s:matching(s:commands, a:before)}
  endif
  let [start, items] = [-1, []]
  let argument = matchlist(a:before, '\v^/(model|mode)\s+(\S*)$')
  if !empty(argument)
    let start = strlen(a:before) - strlen(argument[2])
    let items = argument[1] ==# 'mode' ? s:matching(s:modes, argument[2]) :
          \ s:models(a:context.models, argument[2])
  endif
  return {'start': start, 'items': items}
endfunction
