" SPDX-License-Identifier: MIT
" Places in files that go with a task, as swarm/spawn takes them: URIs and ranges, and the text as it
" is in the editor, saved or not.
"
"   swarm#context#lines(bufnr, first, last)   lines of a buffer, from 1
"   swarm#context#file(bufnr)                 all of it; its text only where it is not saved
"   swarm#context#describe(context)           for people: 'lines 3 to 9 of core/agent/agent.c'

function! s:uri(bufnr) abort
  let name = bufname(a:bufnr)
  if empty(name)
    return 'untitled:' .. a:bufnr
  endif
  return name =~# '^\w\+://' ? name : swarm#util#uri(fnamemodify(name, ':p'))
endfunction

" Positions are UTF-16: what is beyond the first plane counts twice.
function! s:units(text) abort
  return strchars(a:text) + strchars(substitute(a:text, '[\x01-\uffff]', '', 'g'))
endfunction

" A range of whole lines ends at the beginning of the line after it, or, at the buffer's end, behind
" the last character.
function! s:end(bufnr, last) abort
  if empty(getbufline(a:bufnr, a:last + 1))
    return {'line': a:last - 1, 'character': s:units(get(getbufline(a:bufnr, a:last), 0, ''))}
  endif
  return {'line': a:last, 'character': 0}
endfunction

function! swarm#context#lines(bufnr, first, last) abort
  return {'uri': s:uri(a:bufnr),
        \ 'range': {'start': {'line': a:first - 1, 'character': 0}, 'end': s:end(a:bufnr, a:last)},
        \ 'text': join(getbufline(a:bufnr, a:first, a:last), "\n") .. "\n"}
endfunction

function! swarm#context#file(bufnr) abort
  let context = {'uri': s:uri(a:bufnr)}
  if getbufvar(a:bufnr, '&modified') || context.uri !~# '^file:'
    let context.text = join(getbufline(a:bufnr, 1, '$'), "\n") .. "\n"
  endif
  return context
endfunction

function! swarm#context#describe(context) abort
  let name = a:context.uri =~# '^file:' ? fnamemodify(swarm#util#path(a:context.uri), ':.') : 'this buffer'
  if !has_key(a:context, 'range')
    return name .. (has_key(a:context, 'text') ? ' as it is here, unsaved' : '')
  endif
  let first = a:context.range.start.line + 1
  let end = a:context.range.end
  let last = end.character == 0 ? end.line : end.line + 1
  return first >= last ? printf('line %d of %s', first, name) : printf('lines %d to %d of %s', first, last, name)
endfunction
