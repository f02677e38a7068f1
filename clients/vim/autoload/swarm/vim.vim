" SPDX-License-Identifier: MIT
" What Vim 9.0 does in its own way: the functions that editor.vim describes.
scriptencoding utf-8

let s:ERROR_SHOWN = 200 " bytes of the last line of stderr

function! swarm#vim#name() abort
  return {'name': 'Vim', 'version': printf('%d.%d', v:version / 100, v:version % 100)}
endfunction

" --- The server: a job whose messages are framed here. ---
"
" Vim has a mode `lsp` for channels, which would do that; but when a message takes longer than 100 ms to
" arrive (the server has to wait for the processor between two parts of it), 9.0 throws away what has
" come, and with that it loses its place in the stream for good: test_vim_transcript.py has a server
" whose parts come slowly.

" handle: {job, channel, handlers, last, how, closed, pending: {id: Fn}, next, and of the stream: chunks,
" have (their bytes), length (of the body that has begun, -1 in front of its headers)}
function! swarm#vim#start(command, handlers) abort
  let handle = {'last': '', 'how': '', 'closed': v:false, 'handlers': a:handlers, 'pending': {}, 'next': 1,
        \ 'chunks': [], 'have': 0, 'length': -1}
  let job = job_start(a:command, {
        \ 'mode': 'raw', 'err_mode': 'nl', 'noblock': 1, 'stoponexit': '',
        \ 'out_cb': function('s:read', [handle]),
        \ 'err_cb': function('s:complained', [handle]),
        \ 'exit_cb': function('s:exited', [handle]),
        \ 'close_cb': function('s:closed', [handle]),
        \ })
  if job_status(job) ==# 'fail'
    return 'it cannot be run'
  endif
  let handle.job = job
  let handle.channel = job_getchannel(job)
  return handle
endfunction

" The bodies that are whole now; the rest stays for the next time.
function! s:bodies(handle) abort
  let [text, at, bodies] = [join(a:handle.chunks, ''), 0, []]
  while 1
    if a:handle.length < 0
      let end = stridx(text, "\r\n\r\n", at)
      if end < 0
        break
      endif
      let a:handle.length = str2nr(matchstr(strpart(text, at, end - at), '\cContent-Length: *\zs\d\+'))
      let at = end + 4
    elseif strlen(text) - at < a:handle.length
      break
    else
      call add(bodies, strpart(text, at, a:handle.length))
      let [at, a:handle.length] = [at + a:handle.length, -1]
    endif
  endwhile
  let a:handle.chunks = [strpart(text, at)]
  let a:handle.have = strlen(a:handle.chunks[0])
  return bodies
endfunction

function! s:read(handle, channel, data) abort
  call add(a:handle.chunks, a:data)
  let a:handle.have += strlen(a:data)
  if a:handle.have < a:handle.length
    return
  endif
  for body in s:bodies(a:handle)
    try
      call s:received(a:handle, json_decode(body))
    catch
      call a:handle.handlers.trouble(v:exception .. ' in ' .. v:throwpoint)
    endtry
  endfor
endfunction

" Absent members are the same in both editors: Neovim leaves null out by itself. Deltas have none.
function! s:without_null(value) abort
  if type(a:value) == v:t_dict
    call filter(a:value, 'v:val isnot v:null')
    for member in filter(values(a:value), 'type(v:val) == v:t_dict || type(v:val) == v:t_list')
      call s:without_null(member)
    endfor
  elseif type(a:value) == v:t_list && !empty(a:value) && type(a:value[0]) > v:t_func
    for member in a:value
      call s:without_null(member)
    endfor
  endif
  return a:value
endfunction

" The most frequent thing of all: snapshots come up to ten times a second of each agent that works.
function! s:clean_agent(agent) abort
  call filter(a:agent, 'v:val isnot v:null')
  if has_key(a:agent, 'usage')
    call filter(a:agent.usage, 'v:val isnot v:null')
  endif
  if has_key(a:agent, 'error')
    call filter(a:agent.error, 'v:val isnot v:null')
  endif
endfunction

function! s:received(handle, message) abort
  if !has_key(a:message, 'method')
    let id = get(a:message, 'id', -1)
    if has_key(a:handle.pending, id)
      call s:answer(remove(a:handle.pending, id), a:message)
    endif
    return
  elseif has_key(a:message, 'id')
    call s:write(a:handle, {'id': a:message.id, 'error': {'code': -32601, 'message': 'not supported'}})
    return
  endif
  let params = get(a:message, 'params', {})
  for event in get(params, 'events', [])
    if event.type ==# 'agent'
      call s:clean_agent(event.agent)
    elseif event.type !=# 'delta'
      call s:without_null(event)
    endif
  endfor
  call a:handle.handlers.notification(a:message.method, params)
endfunction

function! s:complained(handle, channel, line) abort
  if !empty(a:line)
    let a:handle.last = strpart(a:line, 0, s:ERROR_SHOWN)
  endif
endfunction

" The end is told when the job has ended and all that it wrote was read.
function! s:told_end(handle) abort
  if a:handle.closed && !empty(a:handle.how)
    call a:handle.handlers.exit(a:handle.how, a:handle.last)
  endif
endfunction

function! s:exited(handle, job, code) abort
  let signal = get(job_info(a:job), 'termsig', '')
  let a:handle.how = empty(signal) ? 'ended with exit code ' .. a:code : 'was ended by signal ' .. s:signal(signal)
  call s:told_end(a:handle)
endfunction

let s:signals = {'hup': 1, 'int': 2, 'quit': 3, 'ill': 4, 'abrt': 6, 'fpe': 8, 'kill': 9, 'segv': 11, 'pipe': 13,
      \ 'alrm': 14, 'term': 15}

function! s:signal(name) abort
  return get(s:signals, substitute(tolower(a:name), '^sig', '', ''), a:name)
endfunction

function! s:closed(handle, channel) abort
  let a:handle.closed = v:true
  call s:told_end(a:handle)
endfunction

function! s:answer(Fn, message) abort
  if has_key(a:message, 'error')
    call a:Fn(s:without_null(a:message.error), v:null)
  else
    let result = get(a:message, 'result', v:null)
    if type(result) == v:t_dict && type(get(result, 'agents')) == v:t_list
      call map(copy(result.agents), 's:clean_agent(v:val)')
      call filter(result, 'v:val isnot v:null')
    else
      call s:without_null(result)
    endif
    call a:Fn({}, result)
  endif
endfunction

function! s:write(handle, message) abort
  if ch_status(a:handle.channel) ==# 'open'
    let body = json_encode(extend(a:message, {'jsonrpc': '2.0'}))
    call ch_sendraw(a:handle.channel, printf("Content-Length: %d\r\n\r\n%s", strlen(body), body))
  endif
endfunction

function! s:message(method, params) abort
  return a:params is v:null ? {'method': a:method} : {'method': a:method, 'params': a:params}
endfunction

function! swarm#vim#request(handle, method, params, Fn) abort
  let id = a:handle.next
  let a:handle.next += 1
  let a:handle.pending[id] = a:Fn
  call s:write(a:handle, extend(s:message(a:method, a:params), {'id': id}))
endfunction

function! swarm#vim#notify(handle, method, params) abort
  call s:write(a:handle, s:message(a:method, a:params))
endfunction

" --- Text and highlights. ---

let s:types = {}

function! s:type(group) abort
  if !has_key(s:types, a:group)
    call prop_type_add('swarm:' .. a:group, {'highlight': a:group, 'combine': v:true})
    let s:types[a:group] = 'swarm:' .. a:group
  endif
  return s:types[a:group]
endfunction

" All of a group in one call: a call each would take most of the time of a long transcript.
function! swarm#vim#spans(bufnr, lnum, lines) abort
  call prop_clear(a:lnum, a:lnum + len(a:lines) - 1, {'bufnr': a:bufnr})
  let [lnum, places] = [a:lnum, {}]
  for line in a:lines
    if type(line) == v:t_dict
      for [byte, length, group] in get(line, 'spans', [])
        if !has_key(places, group)
          let places[group] = []
        endif
        call add(places[group], [lnum, byte + 1, lnum, byte + 1 + length])
      endfor
    endif
    let lnum += 1
  endfor
  for [group, list] in items(places)
    call prop_add_list({'type': has_key(s:types, group) ? s:types[group] : s:type(group), 'bufnr': a:bufnr}, list)
  endfor
endfunction

" --- Questions and messages. ---

" Answers stand below what is asked about.
function! s:menu_place(items, kind) abort
  if a:kind !=# 'swarm-approval'
    return {}
  endif
  let width = max(map(copy(a:items), 'strdisplaywidth(v:val)')) + 4
  return {'pos': 'botleft', 'line': &lines - 3, 'col': max([1, (&columns - width) / 2])}
endfunction

function! swarm#vim#select(items, prompt, kind, Fn) abort
  let numbered = map(copy(a:items), {at, item -> (at < 9 ? at + 1 .. '. ' : '   ') .. item})
  call popup_menu(numbered, extend(s:menu_place(numbered + [a:prompt], a:kind), {
        \ 'title': ' ' .. trim(a:prompt) .. ' ',
        \ 'padding': [0, 1, 0, 1],
        \ 'maxheight': max([1, &lines - 6]),
        \ 'minwidth': min([strdisplaywidth(a:prompt) + 2, &columns - 6]),
        \ 'filter': function('s:select_filter', [len(a:items)]),
        \ 'callback': {id, result -> timer_start(0, {-> a:Fn(result < 1 ? -1 : result - 1)})},
        \ }))
endfunction

" Digits choose at once, the rest is as in every menu.
function! s:select_filter(count, id, key) abort
  if a:key =~# '^[1-9]$' && str2nr(a:key) <= a:count
    call popup_close(a:id, str2nr(a:key))
    return v:true
  elseif a:key ==# 'q'
    call popup_close(a:id, -1)
    return v:true
  endif
  return popup_filter_menu(a:id, a:key)
endfunction

" A line of its own at the bottom, so that nothing stops while one types.
function! swarm#vim#input(prompt, default, Fn) abort
  let state = {'Fn': a:Fn, 'window': win_getid(), 'done': v:false}
  botright 1new
  setlocal buftype=prompt bufhidden=wipe noswapfile nobuflisted winfixheight nonumber norelativenumber nolist
  setlocal signcolumn=no foldcolumn=0 colorcolumn= nospell statusline=\ <CR>\ takes\ it,\ <C-c>\ or\ q\ gives\ it\ up
  let state.bufnr = bufnr()
  call prompt_setprompt(state.bufnr, a:prompt)
  call prompt_setcallback(state.bufnr, {text -> s:input_done(state, text)})
  call prompt_setinterrupt(state.bufnr, {-> s:input_done(state, v:null)})
  let b:swarm_input = state
  nnoremap <buffer> <silent> <nowait> q :<C-u>call <SID>input_quit()<CR>
  nnoremap <buffer> <silent> <nowait> <C-c> :<C-u>call <SID>input_quit()<CR>
  nnoremap <buffer> <silent> <nowait> <Esc> :<C-u>call <SID>input_quit()<CR>
  autocmd swarm BufWipeout <buffer> call s:input_left(str2nr(expand('<abuf>')))
  setlocal filetype=swarminput
  " Where this is called from a callback, :startinsert would wait for a key.
  call feedkeys('A' .. a:default, 'ni')
endfunction

function! s:input_quit() abort
  call s:input_done(b:swarm_input, v:null)
endfunction

function! s:input_left(bufnr) abort
  let state = getbufvar(a:bufnr, 'swarm_input', {})
  if !empty(state) && !state.done
    let state.done = v:true
    call timer_start(0, {-> state.Fn(v:null)})
  endif
endfunction

" The callback of a prompt buffer may not close its own window.
function! s:input_done(state, text) abort
  if a:state.done
    return
  endif
  let a:state.done = v:true
  stopinsert
  call timer_start(0, {-> s:input_close(a:state, a:text)})
endfunction

function! s:input_close(state, text) abort
  if bufexists(a:state.bufnr)
    execute 'bwipeout!' a:state.bufnr
  endif
  call win_gotoid(a:state.window)
  call a:state.Fn(a:text)
endfunction

let s:highlights = {'info': 'None', 'warning': 'WarningMsg', 'error': 'ErrorMsg'}

" A message that does not fit into the last line would ask for <Enter> and stop everything: it is
" shown whole in a popup, too.
function! swarm#vim#message(text, level) abort
  let fits = strdisplaywidth(a:text) <= v:echospace
  execute 'echohl' s:highlights[a:level]
  echomsg fits ? a:text : strcharpart(a:text, 0, v:echospace - 1) .. '…'
  echohl None
  if !fits
    call popup_notification(a:text, {'line': &lines - 4, 'maxwidth': &columns - 8, 'time': 8000, 'pos': 'botright',
          \ 'col': &columns - 1, 'highlight': a:level ==# 'info' ? 'Pmenu' : s:highlights[a:level], 'wrap': v:true})
  endif
endfunction

" --- What floats. ---

function! swarm#vim#float(lines, options) abort
  let filter = get(a:options, 'focus') ? {'filter': function('s:float_filter')} : {}
  let place = get(a:options, 'corner') ? {'pos': 'topright', 'col': &columns}
        \ : {'pos': 'topleft', 'col': max([1, (&columns - 100) / 2])}
  let id = popup_create(a:lines, extend(extend(filter, place), {
        \ 'line': 2,
        \ 'maxwidth': min([100, &columns - 6]), 'minwidth': min([20, &columns - 6]), 'maxheight': max([1, &lines - 14]),
        \ 'border': [], 'padding': [0, 1, 0, 1], 'wrap': v:true, 'scrollbar': 1, 'mapping': v:false,
        \ 'close': 'button',
        \ }))
  if has_key(a:options, 'filetype')
    call setbufvar(winbufnr(id), '&syntax', a:options.filetype)
  endif
  return id
endfunction

function! s:float_filter(id, key) abort
  let commands = {'j': "\<C-e>", 'k': "\<C-y>", "\<C-d>": "\<C-d>", "\<C-u>": "\<C-u>", "\<Down>": "\<C-e>",
        \ "\<Up>": "\<C-y>"}
  if has_key(commands, a:key)
    call win_execute(a:id, 'normal! ' .. commands[a:key])
  else
    call popup_close(a:id)
  endif
  return v:true
endfunction

function! swarm#vim#close(handle) abort
  call popup_close(a:handle)
endfunction

function! swarm#vim#drawn() abort
endfunction

function! swarm#vim#user(pattern, data) abort
  execute 'doautocmd <nomodeline> User' a:pattern
endfunction

" Vim has no diagnostics of its own; plugins put them into the location and the quickfix list.
function! swarm#vim#diagnostics(bufnr, first, last) abort
  return []
endfunction
