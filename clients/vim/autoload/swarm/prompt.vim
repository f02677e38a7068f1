" SPDX-License-Identifier: MIT
" The prompt below a transcript: a small window with a buffer of its own, so that nothing that
" streams above can disturb what is being typed. <CR> sends.
"
" Of its buffer: b:swarm_agent, b:swarm_edits (the itemId of the queued message that is edited, or ''),
" b:swarm_walk (through the history, {} when there is none).
scriptencoding utf-8

function! s:name(id) abort
  return swarm#transcript#name(a:id) . '/prompt'
endfunction

function! s:text(buffer) abort
  return join(getbufline(a:buffer, 1, '$'), "\n")
endfunction

function! s:put(buffer, text) abort
  let lines = split(a:text, "\n", 1)
  call setbufline(a:buffer, 1, lines)
  silent call deletebufline(a:buffer, len(lines) + 1, '$')
  call setbufvar(a:buffer, '&modified', 0)
  call s:fit(a:buffer)
endfunction

" As high as its text, within bounds.
function! s:fit(buffer) abort
  let lines = len(getbufline(a:buffer, 1, swarm#config#get('prompt_height')))
  for window in win_findbuf(a:buffer)
    if winheight(window) != lines
      call win_execute(window, 'resize ' . max([1, lines]))
    endif
  endfor
endfunction

" --- Sending. ---

" Changes a message that waits, or drops it: text v:null. Done(error).
function! swarm#prompt#queue(id, item, text, Done) abort
  call swarm#rpc#request('swarm/queue', {'agentId': a:id, 'itemId': a:item, 'text': a:text},
        \ function('s:queue_changed', [a:id, a:Done]))
endfunction

function! s:queue_changed(id, Done, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'the queue of ' . a:id)
  else
    call swarm#transcript#set_queue(a:id, a:result.queue)
  endif
  call a:Done(a:error)
endfunction

function! s:configured(id, what, Done, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, a:what)
  elseif has_key(a:result, 'agent')
    call swarm#state#put(a:result.agent)
    call swarm#ui#info(a:what)
  endif
  call a:Done(a:error)
endfunction

function! s:sent(id, Done, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'not sent to ' . a:id)
  elseif a:result.delivery ==# 'queued'
    call swarm#ui#info(printf('queued for %s (place %d)', a:id, a:result.position))
  endif
  call a:Done(a:error)
endfunction

let s:deliveries = {'': 'queue', 'steer': 'steer', 'interrupt': 'interrupt'}

" Sends what was written, or does what it says. Done(error).
function! s:do(id, text, Done) abort
  let [command, rest] = swarm#prompt#complete#parse(a:text)
  if has_key(s:deliveries, command)
    call swarm#rpc#request('swarm/send', {'agentId': a:id, 'text': rest, 'delivery': s:deliveries[command]},
          \ function('s:sent', [a:id, a:Done]))
  elseif command ==# 'compact'
    let params = rest ==# '' ? {'agentId': a:id} : {'agentId': a:id, 'instructions': rest}
    call swarm#rpc#request('swarm/compact', params, function('s:configured', [a:id, 'summarising', a:Done]))
  else
    call swarm#rpc#request('swarm/configure', {'agentId': a:id, command: rest},
          \ function('s:configured', [a:id, command . ' ' . rest, a:Done]))
  endif
endfunction

" What could not be sent comes back, unless something else was begun meanwhile.
function! s:done(buffer, text, edits, error) abort
  if !empty(a:error) && bufloaded(a:buffer) && s:text(a:buffer) ==# ''
    call s:put(a:buffer, a:text)
    call setbufvar(a:buffer, 'swarm_edits', a:edits)
  endif
endfunction

function! swarm#prompt#send() abort
  let [buffer, id, edits] = [bufnr(), b:swarm_agent, b:swarm_edits]
  let text = trim(s:text(buffer))
  if text ==# ''
    return
  endif
  call swarm#prompt#history#add(text)
  call s:put(buffer, '')
  let [b:swarm_edits, b:swarm_walk] = ['', {}]
  call s:hint()
  let Done = function('s:done', [buffer, text, edits])
  if edits !=# ''
    call swarm#prompt#queue(id, edits, text, Done)
  else
    call s:do(id, text, Done)
  endif
endfunction

" Puts a message that waits into the prompt, to be changed.
function! swarm#prompt#edit(id, message) abort
  call swarm#prompt#enter(a:id)
  call s:put(bufnr(), a:message.text)
  let b:swarm_edits = a:message.itemId
  call s:hint()
  call cursor('$', 1)
  startinsert!
endfunction

" Gives up what is written or edited.
function! swarm#prompt#clear() abort
  let b:swarm_edits = ''
  call s:put(bufnr(), '')
  call s:hint()
endfunction

" --- History. ---

function! swarm#prompt#seed(items) abort
  let texts = []
  for item in a:items
    if item.kind ==# 'user' && swarm#items#text#of(item, 'from') =~# '^\%(user\)\=$'
      let parts = filter(copy(swarm#items#text#list(item, 'content')), 'has_key(v:val, "text")')
      call add(texts, join(map(parts, 'v:val.text'), "\n"))
    endif
  endfor
  call swarm#prompt#history#seed(texts)
endfunction

function! swarm#prompt#step(steps) abort
  if empty(b:swarm_walk)
    let b:swarm_walk = swarm#prompt#history#walk(s:text(bufnr()))
  endif
  call s:put(bufnr(), swarm#prompt#history#step(b:swarm_walk, a:steps, s:text(bufnr())))
  call cursor(a:steps > 0 ? 1 : line('$'), 9999)
endfunction

" --- Completion. ---

let s:models = []
let s:asked = 0

function! s:got_models(error, result) abort
  let s:asked = !empty(a:error) ? 0 : s:asked
  for model in empty(a:error) ? a:result.models : []
    let size = swarm#items#text#number(model, 'contextSize')
    call add(s:models, [model.id, size > 0 ? swarm#util#count(size) . ' tokens of context' : ''])
  endfor
  if &filetype ==# 'swarmprompt' && mode() ==# 'i' && !pumvisible() && !empty(s:models)
        \ && s:found().start >= 0
    call feedkeys("\<C-x>\<C-o>", 'n')
  endif
endfunction

function! s:found() abort
  let before = strpart(getline('.'), 0, col('.') - 1)
  if empty(s:models) && !s:asked && line('.') == 1 && before =~# '^/model\s'
    let s:asked = 1
    call swarm#rpc#request('swarm/models', {}, function('s:got_models'))
  endif
  let folder = swarm#util#path(swarm#items#text#of(swarm#state#get(b:swarm_agent), 'worktree'))
  return swarm#prompt#complete#at(before, line('.') == 1, {'folder': folder, 'models': s:models})
endfunction

function! swarm#prompt#omni(findstart, base) abort
  if a:findstart
    let s:candidates = s:found()
    return s:candidates.start < 0 ? -3 : s:candidates.start
  endif
  return s:candidates.items
endfunction

" What keys of Insert mode do. They are commands and no expressions: those are looked at before what
" was typed in front of them is there.
function! swarm#prompt#key(key) abort
  let keys = {'<CR>': "\<C-y>", '<Tab>': "\<C-n>", '<S-Tab>': "\<C-p>", '<Up>': "\<C-p>", '<Down>': "\<C-n>"}
  if pumvisible()
    call feedkeys(keys[a:key], 'ni')
  elseif a:key ==# '<CR>'
    call swarm#prompt#send()
  elseif a:key ==# '<Tab>' && s:found().start >= 0
    call feedkeys("\<C-x>\<C-o>", 'ni')
  elseif a:key ==# '<Up>' && line('.') == 1
    call swarm#prompt#step(1)
  elseif a:key ==# '<Down>' && line('.') == line('$')
    call swarm#prompt#step(-1)
  else
    call feedkeys(eval('"\' . a:key . '"'), 'ni')
  endif
endfunction

" --- Its buffer and window. ---

function! s:hint() abort
  let name = swarm#state#name(extend({'id': b:swarm_agent}, swarm#state#get(b:swarm_agent)))
  let b:swarm_hint = b:swarm_edits !=# '' ? ' <CR> changes the message that waits · <Esc><C-x> gives it up' :
        \ ' <CR> sends to ' . name . ' · <C-j> new line · <Tab> completes @path /model /mode /compact'
endfunction

function! s:changed() abort
  " A message that was begun is no reason to ask at the editor's end.
  setlocal nomodified
  call s:fit(bufnr())
endfunction

function! s:set_keys() abort
  for key in ['<CR>', '<Tab>', '<S-Tab>', '<Up>', '<Down>']
    execute printf('inoremap <buffer> <silent> %s <Cmd>call swarm#prompt#key("<lt>%s")<CR>', key, key[1:])
  endfor
  inoremap <buffer> <C-j> <CR>
  inoremap <buffer> <silent> <C-s> <Cmd>call swarm#prompt#send()<CR>
  for key in ['<CR>', '<C-s>']
    execute 'nnoremap <buffer> <silent> <nowait>' key '<Cmd>call swarm#prompt#send()<CR>'
  endfor
  nnoremap <buffer> <silent> <Up> <Cmd>call swarm#prompt#step(1)<CR>
  nnoremap <buffer> <silent> <Down> <Cmd>call swarm#prompt#step(-1)<CR>
  nnoremap <buffer> <silent> <C-x> <Cmd>call swarm#prompt#clear()<CR>
  let b:swarm_keys = [['<CR> <C-s>', 'send'], ['<C-j>', 'new line (Insert mode)'],
        \ ['<Tab>', 'complete @path, /model, /mode, /compact, /steer, /interrupt'],
        \ ['<Up> <Down>', 'what was sent before'], ['<C-x>', 'clear it, give editing up']]
  call swarm#buffer#map('g?', 'call swarm#help#show()', 'this help')
  call swarm#buffer#map('q', 'call swarm#prompt#quit()', 'close, with the transcript')
endfunction

function! s:set_up(id) abort
  setlocal buftype=acwrite modifiable undolevels< omnifunc=swarm#prompt#omni
  let [b:swarm_agent, b:swarm_edits, b:swarm_walk] = [a:id, '', {}]
  call s:hint()
  call s:set_keys()
  augroup swarm_prompt
    autocmd! * <buffer>
    autocmd TextChanged,TextChangedI,BufWinEnter <buffer> call s:changed()
    autocmd BufWriteCmd <buffer> call swarm#prompt#send()
  augroup END
endfunction

let s:window_options = ['winfixheight', 'wrap', 'linebreak', 'nonumber', 'norelativenumber', 'nolist', 'nospell',
      \ 'nocursorline', 'signcolumn=no', 'foldcolumn=0', 'colorcolumn=', 'nofoldenable',
      \ 'statusline=%{get(b:,\"swarm_hint\",\"\")}%<']

function! s:below(window, buffer) abort
  let current = win_getid()
  noautocmd call win_gotoid(a:window)
  noautocmd belowright 1split
  execute 'silent keepjumps buffer' a:buffer
  call swarm#buffer#options(s:window_options)
  call s:fit(a:buffer)
  noautocmd call win_gotoid(current)
endfunction

" Shows the agent's prompt below the window of its transcript, without going there.
function! swarm#prompt#show(id, window) abort
  call swarm#prompt#tidy()
  let buffer = swarm#buffer#open(s:name(a:id), 'swarmprompt', 'hidden', function('s:set_up', [a:id]))
  if !swarm#buffer#window(buffer)
    call s:below(a:window, buffer)
  endif
endfunction

" Goes to the prompt, to write; from the window of the transcript.
function! swarm#prompt#enter(id) abort
  call swarm#prompt#show(a:id, win_getid())
  call win_gotoid(swarm#buffer#window(swarm#buffer#find(s:name(a:id))))
  startinsert!
endfunction

" The last window of all stays, without the prompt: with the editor its server would end.
function! s:close_window(window) abort
  if win_id2win(a:window) && (winnr('$') > 1 || tabpagenr('$') > 1)
    execute win_id2win(a:window) . 'close!'
  elseif win_id2win(a:window)
    enew
  endif
endfunction

function! swarm#prompt#close(id) abort
  let buffer = swarm#buffer#find(s:name(a:id))
  let window = buffer ? swarm#buffer#window(buffer) : 0
  if window
    call s:close_window(window)
  endif
endfunction

" With its transcript.
function! swarm#prompt#quit() abort
  let buffer = swarm#buffer#find(swarm#transcript#name(b:swarm_agent))
  let window = buffer ? swarm#buffer#window(buffer) : 0
  call swarm#prompt#close(b:swarm_agent)
  if window && win_gotoid(window)
    call swarm#buffer#close()
  endif
endfunction

" Closes the prompts of this tab page whose transcripts have gone from it.
function! swarm#prompt#tidy() abort
  for window in map(range(1, winnr('$')), 'win_getid(v:val)')
    let id = matchstr(bufname(winbufnr(window)), '^swarm://agent/\zs[^/]\+\ze/prompt$')
    let transcript = id ==# '' ? 0 : swarm#buffer#find(swarm#transcript#name(id))
    if id !=# '' && !(transcript && swarm#buffer#window(transcript))
      call s:close_window(window)
    endif
  endfor
endfunction

augroup swarm_prompt_windows
  autocmd!
  autocmd WinClosed * call timer_start(0, {-> swarm#prompt#tidy()})
augroup END
