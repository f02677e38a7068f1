" SPDX-License-Identifier: MIT
" The plugin's buffers: how they are made, shown and written.
"
"   swarm#buffer#open(name, filetype, how[, Setup])
"       Makes the buffer `swarm://...` if it is not there, shows it, and goes there; returns its number.
"       how: '' the window of this tab page that has it; else over the transcript, review and the like
"       that the current window shows, which comes back when it is closed; else a split below.
"       `split`, `vsplit`, `tab`, `here` (in the current window), `hidden` (not shown at all), or the
"       modifiers of a command (`vertical`, `botright`...).
"       Setup() is called once, with the buffer current, for options, keys and autocommands; windows'
"       options belong into its BufWinEnter. After it comes 'filetype', so that people's own
"       autocommands see all and may change it.
"   swarm#buffer#find(name)      the number of the loaded buffer of that name, 0 when there is none
"   swarm#buffer#window(bufnr)   its window (an id) in this tab page, 0 when there is none
"   swarm#buffer#nothing_here()  does the current window show an empty buffer without a name?
"
"   swarm#buffer#render(bufnr, lines, first)   makes the lines from `first` (1 is the first one) to the
"                                end become these; returns whether anything had to be changed
"   swarm#buffer#splice(bufnr, lnum, count, lines)   puts lines in the place of `count` at lnum
"   swarm#buffer#count(bufnr)    how many lines were rendered
"       A line is a string, or {text, spans: [[byte, length, group], ...]}; other members are yours. Only
"       lines that differ are written; cursors and what windows show stay with their text. These two
"       alone may write into a buffer that uses them.
"   swarm#buffer#paint(bufnr, lnum, lines)   for a buffer that is written by other means: gives what
"                                stands at lnum the spans of these lines, in place of those it had
"
"   swarm#buffer#every(bufnr, Fn)   calls Fn() soon, and at most 20 times a second, however often it is
"                                asked for; with slow drawing less often, so that it takes no more
"                                than about a third of the editor's time. The newest Fn counts
"   swarm#buffer#options(list)   options of the current window, for as long as it shows this buffer
"   swarm#buffer#map(keys, action, what)   a key of the current buffer in Normal mode: what is executed
"                                as a command, and what g? says of it
"   swarm#buffer#keys(bufnr)     [[keys, what], ...] of them
"   swarm#buffer#close()         shows again what the current buffer was opened over, else closes the
"                                window; the last one shows an empty buffer instead
"   swarm#buffer#finish(bufnr)   closes it wherever it is shown, and wipes it out

let s:INTERVAL = 51 " ms between two redraws of a buffer: 50, and Vim's timers may fire one early
let s:SHARE = 2 " so many times longer than drawing took is waited at least

let s:setups = {} " name -> [filetype, Setup], of buffers that are being made
let s:shown = {} " bufnr -> the lines as they were given
let s:emptied = [0, []] " the buffer that was unloaded last, and its lines
let s:redraws = {} " bufnr -> {Fn, waiting, last, pause}

" --- Making and showing. ---

function! swarm#buffer#find(name) abort
  let bufnr = bufexists(a:name) ? bufnr('^' .. escape(a:name, '*?[]{},\') .. '$') : 0
  return bufnr > 0 && bufloaded(bufnr) && getbufvar(bufnr, 'swarm_made', 0) ? bufnr : 0
endfunction

function! s:make(name, filetype, Setup) abort
  if bufexists(a:name)
    " Unloaded by :bdelete, which has taken its keys and autocommands away, or named and never read.
    execute 'silent! bwipeout!' bufnr('^' .. escape(a:name, '*?[]{},\') .. '$')
  endif
  let s:setups[a:name] = [a:filetype, a:Setup]
  let bufnr = bufadd(a:name)
  call bufload(bufnr) " comes back as swarm#buffer#read()
  return bufnr
endfunction

" BufReadCmd of swarm://*: the buffer is current, but perhaps in no window. One that nobody is making
" is read by `:edit`, or comes from a session.
function! swarm#buffer#read(name) abort
  if !has_key(s:setups, a:name) && exists('b:swarm_made')
    call s:fill_again(bufnr())
    return
  elseif !has_key(s:setups, a:name)
    call swarm#command#restore(a:name)
    return
  endif
  let [filetype, Setup] = remove(s:setups, a:name)
  call swarm#highlight#define()
  setlocal buftype=nofile noswapfile bufhidden=hide nobuflisted nomodeline nomodifiable undolevels=-1
  let b:swarm_made = 1
  let b:swarm_keys = []
  let s:shown[bufnr()] = ['']
  execute printf('autocmd swarm BufUnload <buffer=%d> call s:unloaded(%d)', bufnr(), bufnr())
  call Setup()
  let &l:filetype = filetype
endfunction

" `:edit` in one of ours has taken its lines, and nothing else.
function! s:fill_again(bufnr) abort
  let s:shown[a:bufnr] = ['']
  if s:emptied[0] == a:bufnr
    call swarm#buffer#render(a:bufnr, s:emptied[1], 1)
  endif
  call swarm#event#emit('emptied', {'bufnr': a:bufnr})
endfunction

function! s:unloaded(bufnr) abort
  let s:emptied = [a:bufnr, get(s:shown, a:bufnr, [''])]
  silent! call remove(s:shown, a:bufnr)
  silent! call remove(s:redraws, a:bufnr)
endfunction

function! s:no_setup() abort
endfunction

function! swarm#buffer#open(name, filetype, how, ...) abort
  let bufnr = swarm#buffer#find(a:name)
  if !bufnr
    let bufnr = s:make(a:name, a:filetype, a:0 ? a:1 : function('s:no_setup'))
  endif
  if a:how !=# 'hidden'
    call s:show(bufnr, a:how)
  endif
  return bufnr
endfunction

function! swarm#buffer#window(bufnr) abort
  for winnr in range(1, winnr('$'))
    if winbufnr(winnr) == a:bufnr
      return win_getid(winnr)
    endif
  endfor
  return 0
endfunction

function! swarm#buffer#nothing_here() abort
  return empty(bufname()) && !&modified && empty(&buftype) && line('$') == 1 && empty(getline(1))
endfunction

let s:splits = {'': 'belowright split', 'split': 'belowright split', 'vsplit': 'belowright vsplit', 'tab': 'tab split'}

function! s:show(bufnr, how) abort
  let window = swarm#buffer#window(a:bufnr)
  if window && empty(a:how)
    call win_gotoid(window)
    return
  endif
  if empty(a:how) && swarm#buffer#cover#over(a:bufnr)
    return
  endif
  if a:how !=# 'here'
    execute get(s:splits, a:how, a:how .. ' split')
  endif
  execute 'silent keepjumps buffer' a:bufnr
  call swarm#event#emit('opened', {'bufnr': a:bufnr})
endfunction

function! swarm#buffer#options(list) abort
  for option in a:list
    execute 'setlocal' option
  endfor
endfunction

function! swarm#buffer#map(keys, action, what) abort
  let keys = type(a:keys) == v:t_list ? a:keys : [a:keys]
  for key in keys
    execute printf('nnoremap <buffer> <silent> <nowait> %s :<C-u>%s<CR>', key, a:action)
  endfor
  call add(b:swarm_keys, [join(keys), a:what])
endfunction

function! swarm#buffer#keys(bufnr) abort
  return getbufvar(a:bufnr, 'swarm_keys', [])
endfunction

function! swarm#buffer#close() abort
  if swarm#buffer#cover#back()
    return
  endif
  try
    close
  catch /^Vim\%((\a\+)\)\=:E444/
    enew
  endtry
endfunction

function! swarm#buffer#finish(bufnr) abort
  let current = win_getid()
  for window in win_findbuf(a:bufnr)
    call win_gotoid(window)
    call swarm#buffer#close()
  endfor
  call win_gotoid(current)
  execute 'silent! bwipeout!' a:bufnr
endfunction

" --- Writing. ---

function! swarm#buffer#count(bufnr) abort
  return len(s:shown[a:bufnr])
endfunction

function! swarm#buffer#render(bufnr, lines, first) abort
  let lines = empty(a:lines) && a:first <= 1 ? [''] : a:lines
  return swarm#buffer#splice(a:bufnr, a:first, len(s:shown[a:bufnr]) - a:first + 1, lines)
endfunction

" How many lines at the beginning are the same, and how many at the end. In lists, because values of
" different types may not be compared.
function! s:same(old, new) abort
  let most = min([len(a:old), len(a:new)])
  let head = 0
  while head < most && [a:old[head]] ==# [a:new[head]]
    let head += 1
  endwhile
  let tail = 0
  while tail < most - head && [a:old[-1 - tail]] ==# [a:new[-1 - tail]]
    let tail += 1
  endwhile
  return [head, tail]
endfunction

function! swarm#buffer#splice(bufnr, lnum, count, lines) abort
  let shown = s:shown[a:bufnr]
  let old = a:count > 0 ? shown[a:lnum - 1 : a:lnum + a:count - 2] : []
  if len(old) == len(a:lines)
    if old ==# a:lines
      return v:false
    endif
    call s:begin(a:bufnr)
    call s:replace_lines(a:bufnr, a:lnum, old, a:lines)
    call setbufvar(a:bufnr, '&modifiable', 0)
    return v:true
  endif
  let [head, tail] = s:same(old, a:lines)
  let new = a:lines[head : len(a:lines) - tail - 1]
  let places = s:places(a:bufnr)
  call s:begin(a:bufnr)
  call s:resize(a:bufnr, a:lnum + head, len(old) - head - tail, new)
  call setbufvar(a:bufnr, '&modifiable', 0)
  call s:keep(places, a:lnum + head, len(old) - head - tail, len(new))
  return v:true
endfunction

function! swarm#buffer#paint(bufnr, lnum, lines) abort
  call swarm#editor#call('spans', a:bufnr, a:lnum, a:lines)
endfunction

function! s:begin(bufnr) abort
  call setbufvar(a:bufnr, '&modifiable', 1)
endfunction

function! s:text(line) abort
  return type(a:line) == v:t_dict ? a:line.text : a:line
endfunction

function! s:texts(lines) abort
  return map(copy(a:lines), 'type(v:val) == v:t_dict ? v:val.text : v:val')
endfunction

" As many lines as before: each one that differs for itself.
function! s:replace_lines(bufnr, lnum, old, new) abort
  let shown = s:shown[a:bufnr]
  let at = 0
  for line in a:new
    if [line] !=# [a:old[at]]
      let text = s:text(line)
      if text !=# s:text(a:old[at])
        call setbufline(a:bufnr, a:lnum + at, text)
      endif
      call swarm#editor#call('spans', a:bufnr, a:lnum + at, [line])
      let shown[a:lnum + at - 1] = line
    endif
    let at += 1
  endfor
endfunction

" Lines that take the place of others are written over them; the rest is put behind them, or goes.
function! s:resize(bufnr, lnum, count, new) abort
  let shown = s:shown[a:bufnr]
  let both = min([a:count, len(a:new)])
  if both > 0
    " One by one: with a list Neovim 0.7 writes the second line into the current buffer.
    for index in range(both)
      call setbufline(a:bufnr, a:lnum + index, s:text(a:new[index]))
    endfor
    call remove(shown, a:lnum - 1, a:lnum + both - 2)
    call extend(shown, a:new[: both - 1], a:lnum - 1)
  endif
  if len(a:new) > both
    call appendbufline(a:bufnr, a:lnum + both - 1, s:texts(a:new[both :]))
    call extend(shown, a:new[both :], a:lnum + both - 1)
  elseif a:count > both
    call deletebufline(a:bufnr, a:lnum + both, a:lnum + a:count - 1)
    call remove(shown, a:lnum + both - 1, a:lnum + a:count - 2)
    if empty(shown)
      call add(shown, '')
    endif
  endif
  if !empty(a:new)
    call swarm#editor#call('spans', a:bufnr, a:lnum, a:new)
  endif
endfunction

" Where the cursor is in each window, and what it shows.
function! s:places(bufnr) abort
  return map(win_findbuf(a:bufnr), '[v:val, getcurpos(v:val), getwininfo(v:val)[0].topline]')
endfunction

function! s:moved(at, lnum, count, new) abort
  if a:at < a:lnum
    return a:at
  elseif a:at >= a:lnum + a:count
    return a:at + a:new - a:count
  endif
  return max([1, min([a:at, a:lnum + a:new - 1])])
endfunction

function! s:keep(places, lnum, count, new) abort
  for [window, cursor, topline] in a:places
    let line = s:moved(cursor[1], a:lnum, a:count, a:new)
    let top = s:moved(topline, a:lnum, a:count, a:new)
    if getcurpos(window)[1] != line || getwininfo(window)[0].topline != top
      call win_execute(window, printf('call winrestview({"lnum": %d, "col": %d, "curswant": %d, "topline": %d})',
            \ line, cursor[2] - 1, cursor[4] - 1, top))
    endif
  endfor
endfunction

" --- When. ---

function! swarm#buffer#every(bufnr, Fn) abort
  let redraw = get(s:redraws, a:bufnr, {})
  if empty(redraw)
    let redraw = {'waiting': v:false, 'last': reltime(), 'pause': 0}
    let s:redraws[a:bufnr] = redraw
  endif
  let redraw.Fn = a:Fn
  if !redraw.waiting
    let redraw.waiting = v:true
    let passed = float2nr(reltimefloat(reltime(redraw.last)) * 1000)
    call timer_start(max([0, redraw.pause - passed]), function('s:redraw', [a:bufnr, redraw]))
  endif
endfunction

function! s:redraw(bufnr, redraw, timer) abort
  let a:redraw.waiting = v:false
  if !bufloaded(a:bufnr)
    return
  endif
  let begin = reltime()
  try
    call a:redraw.Fn()
    call swarm#editor#call('drawn')
  finally
    let took = float2nr(reltimefloat(reltime(begin)) * 1000)
    let a:redraw.last = reltime()
    let a:redraw.pause = max([s:INTERVAL, took * s:SHARE])
  endtry
endfunction
