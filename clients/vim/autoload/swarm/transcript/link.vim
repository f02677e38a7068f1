" SPDX-License-Identifier: MIT
" Names of files in running text: which one is meant, and at which line. `src/a.c`, `src/a.c:12`,
" `src/a.c#L12`, `[text](src/a.c#L12)` and file: URIs, of the worktree or of anywhere.

let s:NAME = '\v%(file://)?[[:alnum:]_./~+@%-]+%(%(:|#L)\d+)?'

" {path, line} of what stands there; line 0 for none.
function! s:split(name) abort
  let name = substitute(a:name, '[.,]\+$', '', '')
  let parts = matchlist(name, '\v^(.{-})%(%(:|#L)(\d+))?$')
  return {'path': swarm#util#path(parts[1]), 'line': str2nr(parts[2])}
endfunction

function! s:is_file(path) abort
  return filereadable(a:path) && !isdirectory(a:path)
endfunction

function! s:resolve(found, folders) abort
  if a:found.path =~# '^[/~]'
    let path = expand(fnameescape(a:found.path))
    return s:is_file(path) ? extend({'path': path}, a:found, 'keep') : {}
  endif
  for folder in a:folders
    let path = folder . '/' . a:found.path
    if a:found.path !=# '' && s:is_file(path)
      return {'path': path, 'line': a:found.line}
    endif
  endfor
  return {}
endfunction

" The file that a line of text names at that column (a byte, from 0), else the first on the line:
" {path, line}, or {} for none. folders: where relative names are looked for.
function! swarm#transcript#link#find(text, column, folders) abort
  let [from, first] = [0, {}]
  while 1
    let [name, start, end] = matchstrpos(a:text, s:NAME, from)
    if start < 0
      return first
    endif
    let file = s:resolve(s:split(name), a:folders)
    if !empty(file) && a:column >= start && a:column < end
      return file
    elseif !empty(file) && empty(first)
      let first = file
    endif
    let from = end
  endwhile
endfunction
