" SPDX-License-Identifier: MIT
" What Neovim does in its own way: the functions that editor.vim describes. What needs Lua is in
" lua/swarm/.
scriptencoding utf-8

function! swarm#nvim#name() abort
  let about = api_info().version
  return {'name': 'Neovim', 'version': printf('%d.%d', about.major, about.minor)}
endfunction

" --- The server, through Neovim's own LSP RPC client (lua/swarm/rpc.lua). ---

let s:handlers = {} " of each handle, which is a number
let s:answers = {} " of each request that waits
let s:next = 1

function! swarm#nvim#start(command, handlers) abort
  let handle = s:next
  let s:next += 1
  let s:handlers[handle] = a:handlers
  let problem = v:lua.require'swarm.rpc'.start(handle, a:command)
  return problem is v:null ? handle : problem
endfunction

function! swarm#nvim#request(handle, method, params, Fn) abort
  let key = s:next
  let s:next += 1
  let s:answers[key] = a:Fn
  call v:lua.require'swarm.rpc'.request(a:handle, key, a:method, a:params)
endfunction

function! swarm#nvim#notify(handle, method, params) abort
  call v:lua.require'swarm.rpc'.notify(a:handle, a:method, a:params)
endfunction

" The four that follow are what rpc.lua calls.
function! swarm#nvim#answered(key, error, result) abort
  if has_key(s:answers, a:key)
    call remove(s:answers, a:key)(empty(a:error) ? {} : a:error, a:result)
  endif
endfunction

function! swarm#nvim#notified(handle, method, params) abort
  call s:handlers[a:handle].notification(a:method, a:params)
endfunction

function! swarm#nvim#troubled(handle, text) abort
  call s:handlers[a:handle].trouble(a:text)
endfunction

function! swarm#nvim#exited(handle, how, last) abort
  call remove(s:handlers, a:handle).exit(a:how, a:last)
endfunction

" --- Text and highlights. ---

let s:namespace = nvim_create_namespace('swarm')

function! swarm#nvim#spans(bufnr, lnum, lines) abort
  call nvim_buf_clear_namespace(a:bufnr, s:namespace, a:lnum - 1, a:lnum - 1 + len(a:lines))
  let row = a:lnum - 1
  for line in a:lines
    if type(line) == v:t_dict
      for [byte, length, group] in get(line, 'spans', [])
        call nvim_buf_set_extmark(a:bufnr, s:namespace, row, byte, {'end_col': byte + length, 'hl_group': group})
      endfor
    endif
    let row += 1
  endfor
endfunction

" --- Questions and messages: whatever people have put in the place of vim.ui and vim.notify. ---

function! swarm#nvim#select(items, prompt, kind, Fn) abort
  call v:lua.require'swarm.ui'.select(a:items, a:prompt, a:kind, s:keep(a:Fn))
endfunction

let s:asking = 0 " lines that are being asked for

function! swarm#nvim#input(prompt, default, Fn) abort
  let s:asking += 1
  call v:lua.require'swarm.ui'.input(a:prompt, a:default, s:keep(function('s:took_input', [a:Fn])))
endfunction

function! s:took_input(Fn, text) abort
  let s:asking -= 1
  call a:Fn(a:text)
endfunction

" While Neovim's own vim.ui.input() has a line typed, events come but nothing shows what they change.
function! swarm#nvim#drawn() abort
  if s:asking && mode() ==# 'c'
    redraw
  endif
endfunction

function! s:keep(Fn) abort
  let key = s:next
  let s:next += 1
  let s:answers[key] = a:Fn
  return key
endfunction

" What ui.lua calls with what was chosen or typed.
function! swarm#nvim#chosen(key, value) abort
  if has_key(s:answers, a:key)
    call remove(s:answers, a:key)(a:value)
  endif
endfunction

let s:SHOWN = 8000 " ms

" One that does not fit into the last line would ask for <Enter> and stop everything: it is shown
" whole over the text.
function! swarm#nvim#message(text, level) abort
  if !v:lua.require'swarm.ui'.asks_for_enter(a:text)
    call v:lua.require'swarm.ui'.message(a:text, a:level)
    return
  endif
  call v:lua.require'swarm.ui'.message(strcharpart(a:text, 0, v:echospace - 1) .. '…', a:level)
  let width = min([96, &columns - 8])
  let window = swarm#nvim#float(split(a:text, '.\{' .. width .. '}\zs'), {})
  call timer_start(s:SHOWN, {-> swarm#nvim#close(window)})
endfunction

" --- What floats. ---

function! swarm#nvim#float(lines, options) abort
  let buffer = nvim_create_buf(v:false, v:true)
  call nvim_buf_set_lines(buffer, 0, -1, v:false, a:lines)
  call setbufvar(buffer, '&bufhidden', 'wipe')
  call setbufvar(buffer, '&modifiable', 0)
  call setbufvar(buffer, '&syntax', get(a:options, 'filetype', ''))
  let width = min([100, &columns - 6, max([20] + map(copy(a:lines), 'strdisplaywidth(v:val)'))])
  let height = max([1, min([len(a:lines), &lines - 14])])
  let window = nvim_open_win(buffer, get(a:options, 'focus') ? v:true : v:false, {
        \ 'relative': 'editor', 'row': 1, 'width': width, 'height': height,
        \ 'col': max([0, get(a:options, 'corner') ? &columns - width - 2 : (&columns - width) / 2]),
        \ 'style': 'minimal', 'border': 'rounded'})
  call setwinvar(window, '&wrap', 1)
  if get(a:options, 'focus')
    for key in ['q', '<Esc>', '<CR>', 'g?']
      call nvim_buf_set_keymap(buffer, 'n', key, '<Cmd>close<CR>', {'nowait': v:true, 'silent': v:true})
    endfor
    execute printf('autocmd swarm WinLeave <buffer=%d> ++once call timer_start(0, {-> swarm#nvim#close(%d)})', buffer, window)
  endif
  " A question that follows may not draw the screen itself.
  redraw
  return window
endfunction

function! swarm#nvim#close(handle) abort
  if nvim_win_is_valid(a:handle)
    call nvim_win_close(a:handle, v:true)
  endif
endfunction

function! swarm#nvim#user(pattern, data) abort
  if has('nvim-0.8')
    call nvim_exec_autocmds('User', {'pattern': a:pattern, 'modeline': v:false, 'data': a:data})
  else
    execute 'doautocmd <nomodeline> User' a:pattern
  endif
endfunction

function! swarm#nvim#diagnostics(bufnr, first, last) abort
  return v:lua.require'swarm.ui'.diagnostics(a:bufnr, a:first, a:last)
endfunction
