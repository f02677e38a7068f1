" SPDX-License-Identifier: MIT
" A file of a change side by side, in the editor's own diff mode: the text before the agent, made from
" its patch, and the file of the worktree.

function! s:set_up(lines, path) abort
  call swarm#buffer#map('q', 'tabclose', 'close')
  call swarm#buffer#render(bufnr(), a:lines, 1)
  execute 'doautocmd <nomodeline> filetypedetect BufRead' fnameescape(a:path)
endfunction

" A side that is no file: its text, and how it looks.
function! s:text(name, path, lines) abort
  execute 'silent! bwipeout!' bufnr('^' . escape(a:name, '*?[]{},\') . '$')
  call swarm#buffer#open(a:name, '', 'here', function('s:set_up', [a:lines, a:path]))
endfunction

function! s:old_lines(place, path) abort
  let now = filereadable(a:path) ? readfile(a:path) : []
  return swarm#review#patch#reverse(now, a:place.file.hunks)
endfunction

" place: see swarm#review#here().
function! swarm#review#diff#open(place) abort
  let [review, file] = [a:place.review, a:place.file]
  if empty(file)
    return swarm#ui#info('compare: go to a hunk, or to the line of a file')
  elseif get(file, 'binary') || has_key(file, 'omitted')
    return swarm#ui#info(file.path . ' cannot be compared by lines')
  endif
  let path = swarm#util#path(swarm#items#text#of(swarm#state#get(review.id), 'worktree')) . '/' . file.path
  let old = s:old_lines(a:place, path)
  if empty(old)
    return swarm#ui#info(file.path . ' has changed since: R reads the change anew')
  endif
  tab split
  if filereadable(path)
    execute 'silent edit' fnameescape(path)
  else
    call s:text('swarm://removed/' . review.id . '/' . file.path, file.path, [])
  endif
  diffthis
  aboveleft vertical split
  call s:text('swarm://before/' . review.id . '/' . file.path, file.path, old.lines)
  diffthis
  wincmd p
  if !empty(a:place.hunk)
    call cursor(swarm#review#patch#new_line(a:place.hunk, a:place.at), 1)
  endif
endfunction
