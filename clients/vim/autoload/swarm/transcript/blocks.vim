" SPDX-License-Identifier: MIT
" A buffer made of blocks, one below the other: the head, the items, the foot. A block is found by
" counting lines from the end, because nearly all that changes is there.
"
" Folds belong to windows. They are made by hand (foldmethod=manual): those of an expression are not
" brought up to date while one types in the prompt, and these move with their text.
scriptencoding utf-8

" For a buffer that holds nothing yet.
function! swarm#transcript#blocks#new(buffer) abort
  return {'buffer': a:buffer, 'list': [], 'keys': {}, 'count': 0}
endfunction

function! s:text(line) abort
  return type(a:line) == v:t_string ? a:line : a:line.text
endfunction

function! s:texts(lines) abort
  return map(copy(a:lines), 'type(v:val) == v:t_string ? v:val : v:val.text')
endfunction

" The number of the line at which the block with that index begins.
function! s:first_line(self, index) abort
  let line = a:self.count + 1
  let at = len(a:self.list) - 1
  while at >= a:index
    let line -= len(a:self.list[at].lines)
    let at -= 1
  endwhile
  return line
endfunction

function! s:index_of(self, block) abort
  let at = len(a:self.list) - 1
  while at >= 0 && a:self.list[at] isnot a:block
    let at -= 1
  endwhile
  return at
endfunction

" Behind the last block whose order is not greater.
function! s:insertion_index(self, order) abort
  let at = len(a:self.list)
  while at > 0 && a:self.list[at - 1].order > a:order
    let at -= 1
  endwhile
  return at
endfunction

" Replaces lines of the buffer by others, as few as differ; a line that stays is not touched. The
" first lines take the place of the empty one that every buffer has.
function! s:put(self, first, old, new) abort
  let buffer = a:self.buffer
  let [old, new] = [s:texts(a:old), s:texts(a:new)]
  if old !=# new
    call setbufvar(buffer, '&modifiable', 1)
    if a:self.count == 0 && !empty(new)
      call setbufline(buffer, 1, new)
    else
      call s:put_changed(buffer, a:first, old, new)
    endif
    call setbufvar(buffer, '&modifiable', 0)
    let a:self.count += len(new) - len(old)
  endif
  if !empty(a:new)
    call swarm#editor#call('spans', buffer, a:first, a:new)
  endif
endfunction

function! s:put_changed(buffer, first, old, new) abort
  let [old, new, first] = [a:old, a:new, a:first]
  let both = min([len(old), len(new)])
  let head = 0
  while head < both && old[head] ==# new[head]
    let head += 1
  endwhile
  let tail = 0
  while tail < both - head && old[len(old) - 1 - tail] ==# new[len(new) - 1 - tail]
    let tail += 1
  endwhile
  let same = both - head - tail
  let at = first + head
  for index in range(same)
    if old[head + index] !=# new[head + index]
      call setbufline(a:buffer, at + index, new[head + index])
    endif
  endfor
  if len(new) > both
    call appendbufline(a:buffer, at + same - 1, new[head + same : len(new) - 1 - tail])
  elseif len(old) > both
    silent call deletebufline(a:buffer, at + same, first + len(old) - 1 - tail)
  endif
endfunction

function! s:fold_command(first, folds) abort
  return map(copy(a:folds), 'printf("silent! %d,%dfold", a:first + v:val[0], a:first + v:val[1])')
endfunction

function! s:in_fold_windows(self, commands) abort
  for window in win_findbuf(a:self.buffer)
    if getwinvar(window, '&foldmethod') ==# 'manual'
      call win_execute(window, a:commands)
    endif
  endfor
endfunction

" Takes the folds of a block away with all that people made inside them.
function! s:unfold(self, first, folds) abort
  let commands = ['let w:swarm_place = winsaveview()']
  for fold in a:folds
    let commands += [printf('silent! call cursor(%d, 1)', a:first + fold[0]), 'silent! normal! zD']
  endfor
  call s:in_fold_windows(a:self, commands + ['call winrestview(w:swarm_place)', 'unlet w:swarm_place'])
endfunction

" The kind of the block with lines before the place of one with that key and order; '' for none.
function! swarm#transcript#blocks#kind_before(self, key, order) abort
  let block = get(a:self.keys, a:key, {})
  let index = empty(block) ? s:insertion_index(a:self, a:order) : s:index_of(a:self, block)
  while index > 0
    let index -= 1
    if !empty(a:self.list[index].lines)
      return a:self.list[index].kind
    endif
  endwhile
  return ''
endfunction

" Shows a rendering (see items.vim) as the block of that key; a new one goes where its order says.
function! swarm#transcript#blocks#set(self, key, order, rendering, kind) abort
  if !has_key(a:self.keys, a:key)
    let a:self.keys[a:key] = {'key': a:key, 'order': a:order, 'kind': a:kind, 'lines': [], 'folds': []}
    call insert(a:self.list, a:self.keys[a:key], s:insertion_index(a:self, a:order))
  endif
  let block = a:self.keys[a:key]
  let block.open = get(a:rendering, 'open', {})
  if block.lines ==# a:rendering.lines && block.folds == a:rendering.folds
    return
  endif
  let first = s:first_line(a:self, s:index_of(a:self, block))
  let same = block.folds == a:rendering.folds
  if !same && !empty(block.folds)
    call s:unfold(a:self, first, block.folds)
  endif
  call s:put(a:self, first, block.lines, a:rendering.lines)
  let block.lines = a:rendering.lines
  let block.folds = a:rendering.folds
  if !same && !empty(block.folds)
    call s:in_fold_windows(a:self, s:fold_command(first, block.folds))
  endif
endfunction

" Appends text to a block, when its rendering said that this may be done. Returns whether it was.
function! swarm#transcript#blocks#append(self, key, text) abort
  let block = get(a:self.keys, a:key, {})
  if empty(get(block, 'open', {}))
    return 0
  endif
  let added = swarm#items#append(block.open, a:text)
  let last = len(block.lines) - 1
  let first = s:first_line(a:self, s:index_of(a:self, block)) + last
  call s:put(a:self, first, block.lines[-1:], added.lines)
  call remove(block.lines, last)
  let block.lines += added.lines
  let block.open = added.open
  return 1
endfunction

" Takes all blocks away.
function! swarm#transcript#blocks#clear(self) abort
  call setbufvar(a:self.buffer, '&modifiable', 1)
  silent call deletebufline(a:self.buffer, 1, '$')
  call setbufvar(a:self.buffer, '&modifiable', 0)
  let a:self.list = []
  let a:self.keys = {}
  let a:self.count = 0
endfunction

" Makes the folds of all blocks in the current window, which has come to show the buffer.
function! swarm#transcript#blocks#fold_window(self) abort
  if &l:foldmethod !=# 'manual'
    return
  endif
  silent! normal! zE
  let first = 1
  for block in a:self.list
    for command in s:fold_command(first, block.folds)
      execute command
    endfor
    let first += len(block.lines)
  endfor
endfunction

" The key of the block that a line belongs to, and the line's index in it; ['', 0] for none.
function! swarm#transcript#blocks#at(self, line) abort
  let first = 1
  for block in a:self.list
    if a:line < first + len(block.lines)
      return [block.key, a:line - first]
    endif
    let first += len(block.lines)
  endfor
  return ['', 0]
endfunction

" The first lines of all blocks of that kind.
function! swarm#transcript#blocks#starts(self, kind) abort
  let [first, found] = [1, []]
  for block in a:self.list
    if block.kind ==# a:kind && !empty(block.lines)
      call add(found, first + (s:text(block.lines[0]) ==# ''))
    endif
    let first += len(block.lines)
  endfor
  return found
endfunction

" The text that stands for a closed fold.
function! swarm#transcript#blocks#fold_text() abort
  return printf('  … %d more lines (za shows them)', v:foldend - v:foldstart + 1)
endfunction
