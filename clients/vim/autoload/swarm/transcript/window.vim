" SPDX-License-Identifier: MIT
" The windows that show transcripts: what they follow, and where files open beside them.

" Those whose cursor is on the last line: they follow the end.
function! swarm#transcript#window#following(buffer, count) abort
  return filter(win_findbuf(a:buffer), 'line(".", v:val) >= a:count')
endfunction

" Where a fold has taken lines away, the end comes back to the bottom.
function! swarm#transcript#window#fill() abort
  call cursor(line('$'), 1)
  if winline() < winheight(0) && line('w0') > 1
    normal! zb
  endif
endfunction

" Brings windows to the end again, after lines have come: also when the cursor has moved along with
" its text, because only this scrolls a window that is not the current one.
function! swarm#transcript#window#to_end(windows) abort
  for window in a:windows
    call win_execute(window, 'call swarm#transcript#window#fill()')
  endfor
endfunction

" The windows that do not follow, and what they show: {window: view}.
function! swarm#transcript#window#reading(buffer, count) abort
  let places = {}
  for window in win_findbuf(a:buffer)
    if line('.', window) < a:count
      call win_execute(window, 'let w:swarm_place = winsaveview()')
      let places[window] = getwinvar(window, 'swarm_place')
    endif
  endfor
  return places
endfunction

" Lets them show it again, so many lines further down.
function! swarm#transcript#window#restore(places, added) abort
  for [window, place] in items(a:places)
    let place.lnum += a:added
    let place.topline += a:added
    call setwinvar(str2nr(window), 'swarm_place', place)
    call win_execute(str2nr(window), 'call winrestview(w:swarm_place)')
  endfor
endfunction

" What a window needs to show a transcript well; for as long as it shows this buffer.
function! swarm#transcript#window#set_options() abort
  setlocal wrap linebreak breakindent nonumber norelativenumber nospell nolist signcolumn=no
  setlocal foldcolumn=0 colorcolumn= foldmethod=manual foldenable
  setlocal foldtext=swarm#transcript#blocks#fold_text()
  setlocal fillchars+=fold:\ " a space
endfunction

" The window of this tab page that shows some transcript already: it is used for the next one.
function! s:transcript_window() abort
  for number in range(1, winnr('$'))
    if getbufvar(winbufnr(number), '&filetype') ==# 'swarmtranscript'
      return win_getid(number)
    endif
  endfor
  return 0
endfunction

let s:splits = {'tab': 'tab split', 'vsplit': 'belowright vsplit'}

function! s:make(how, modifiers, asked) abort
  let other = a:asked || a:modifiers !=# '' || a:how ==# 'tab' ? 0 : s:transcript_window()
  if other
    call win_gotoid(other)
  elseif a:modifiers !=# '' || a:asked || a:how ==# 'tab' || !swarm#buffer#nothing_here()
    execute a:modifiers !=# '' ? a:modifiers . ' split' : get(s:splits, a:how, 'belowright split')
  endif
endfunction

" Goes to a window with the transcript: the one that it has, else the one of another transcript, else
" one that shows nothing, else a new one. options: see swarm#transcript#open(); who says how leaves others' windows alone.
function! swarm#transcript#window#show(buffer, options) abort
  let modifiers = get(a:options, 'modifiers', '')
  let asked = has_key(a:options, 'how')
  let window = swarm#buffer#window(a:buffer)
  if !asked && modifiers ==# '' && (window ? win_gotoid(window) : swarm#buffer#cover#uncover(a:buffer))
    return
  endif
  call s:make(get(a:options, 'how', swarm#config#get('open')), modifiers, asked)
  execute 'silent keepjumps buffer' a:buffer
  if exists('*swarm#dashboard#make_room')
    call swarm#dashboard#make_room()
  endif
  call swarm#transcript#window#fill()
endfunction

function! s:is_ours(window) abort
  return getbufvar(winbufnr(a:window), '&filetype') =~# '^swarm'
endfunction

" Shows a file in a window of this tab page that is not one of ours: the one before, any, or a new one.
function! swarm#transcript#window#edit(path, line) abort
  let candidates = filter([winnr('#')] + range(1, winnr('$')),
        \ 'v:val > 0 && !s:is_ours(v:val) && getwinvar(v:val, "&buftype") ==# ""')
  if empty(candidates)
    aboveleft split
  else
    execute candidates[0] . 'wincmd w'
  endif
  if resolve(expand('%:p')) !=# resolve(fnamemodify(a:path, ':p'))
    execute (&l:modified && !&hidden ? 'split' : 'edit') fnameescape(a:path)
  endif
  if a:line > 0
    call cursor(min([a:line, line('$')]), 1)
    normal! zvzz
  endif
endfunction
