" SPDX-License-Identifier: MIT
" :[range]SwarmFix [text]: an agent for what the editor says is wrong. In the quickfix or location list
" it is the entries of the range; elsewhere the diagnostics, and what these lists have, of its lines,
" or of the whole file when the line has none. With text and nothing wrong, the file goes with it.

let s:AROUND = 10 " lines before and after a place that go with the task
let s:MOST = 50 " places in one task

let s:severities = {'W': 'warning', 'I': 'info', 'N': 'hint'}

" A place: {bufnr, lnum, end_lnum, text, severity}.
function! s:from_list(entry) abort
  return {'bufnr': a:entry.bufnr, 'lnum': a:entry.lnum, 'end_lnum': max([a:entry.lnum, get(a:entry, 'end_lnum')]),
        \ 'text': trim(a:entry.text), 'severity': get(s:severities, toupper(a:entry.type), 'error')}
endfunction

function! s:in_list(range) abort
  let entries = getwininfo(win_getid())[0].loclist ? getloclist(0) : getqflist()
  let [first, last] = a:range[0] ? a:range[1:2] : [line('.'), line('.')]
  return map(filter(entries[first - 1 : last - 1], 'v:val.valid && v:val.bufnr'), 's:from_list(v:val)')
endfunction

" What is wrong in lines of a buffer, by line; each thing once.
function! s:in_buffer(bufnr, first, last) abort
  let places = map(swarm#editor#call('diagnostics', a:bufnr, a:first, a:last), 'extend({"bufnr": a:bufnr}, v:val)')
  for entry in getloclist(0) + getqflist()
    if entry.valid && entry.bufnr == a:bufnr && entry.lnum <= a:last && max([entry.lnum, get(entry, 'end_lnum')]) >= a:first
      call add(places, s:from_list(entry))
    endif
  endfor
  call sort(places, {a, b -> a.lnum == b.lnum ? (a.text ># b.text ? 1 : -1) : a.lnum - b.lnum})
  return uniq(places, {a, b -> a.lnum == b.lnum && a.text ==# b.text ? 0 : 1})
endfunction

function! s:context(place) abort
  call bufload(a:place.bufnr)
  let lines = len(getbufline(a:place.bufnr, 1, '$'))
  let last = max([1, min([lines, a:place.end_lnum + s:AROUND])])
  return swarm#context#lines(a:place.bufnr, min([last, max([1, a:place.lnum - s:AROUND])]), last)
endfunction

" Places that lie in the lines of one before add nothing to it.
function! s:contexts(places) abort
  let contexts = []
  for place in a:places
    let new = s:context(place)
    let there = filter(copy(contexts), 'v:val.uri ==# new.uri && v:val.range.end.line >= new.range.end.line'
          \ .. ' && v:val.range.start.line <= new.range.start.line')
    if empty(there)
      call add(contexts, new)
    endif
  endfor
  return contexts
endfunction

function! s:line(place) abort
  return printf('%s:%d: %s: %s', fnamemodify(bufname(a:place.bufnr), ':.'), a:place.lnum, a:place.severity,
        \ substitute(a:place.text, '\n', ' ', 'g'))
endfunction

function! s:task(places, words) abort
  let lines = map(copy(a:places), 's:line(v:val)')
  let task = len(lines) == 1 ? 'Fix this: ' .. lines[0] : "Fix these:\n" .. join(lines, "\n")
  return empty(a:words) ? task : task .. "\n\n" .. a:words
endfunction

function! s:places(range) abort
  if &buftype ==# 'quickfix'
    return s:in_list(a:range)
  elseif a:range[0]
    return s:in_buffer(bufnr(), a:range[1], a:range[2])
  endif
  let places = s:in_buffer(bufnr(), line('.'), line('.'))
  return empty(places) ? s:in_buffer(bufnr(), 1, line('$')) : places
endfunction

function! swarm#fix#command(words, command) abort
  let places = s:places(a:command.range)
  if empty(places) && (empty(a:words) || &buftype !=# '')
    call swarm#ui#warning('nothing is known to be wrong here: give :SwarmFix a text that says what is')
    return
  elseif len(places) > s:MOST
    call swarm#ui#info(printf('the first %d of %d places go with the task', s:MOST, len(places)))
  endif
  let places = places[: s:MOST - 1]
  call swarm#new#spawn(empty(places) ? {'task': a:words, 'context': [swarm#context#file(bufnr())]}
        \ : {'task': s:task(places, a:words), 'context': s:contexts(places)}, a:command.modifiers)
endfunction
