" SPDX-License-Identifier: MIT
" Questions and messages. None of them waits: what is chosen or typed comes to a callback.
"
"   swarm#ui#select(items, opts, Fn)   opts: {prompt, kind?, format?: Fn(item) -> string}.
"                                      Fn(item, index); v:null and -1 when nothing was chosen
"   swarm#ui#input(opts, Fn)           opts: {prompt, default?}. Fn(text); v:null when given up
"   swarm#ui#confirm(question, yes, Fn)   Fn() is called only when `yes` was chosen
"   swarm#ui#info(text), swarm#ui#warning(text), swarm#ui#error(text), swarm#ui#message(text, level)
"   swarm#ui#report(error, what)       why a request failed, in the server's own words; the end of
"                                      the server was told already

function! swarm#ui#select(items, opts, Fn) abort
  let Format = get(a:opts, 'format', {item -> item})
  call swarm#editor#call('select', map(copy(a:items), {_, item -> Format(item)}), get(a:opts, 'prompt', ''),
        \ get(a:opts, 'kind', 'swarm'), {index -> a:Fn(index < 0 ? v:null : a:items[index], index)})
endfunction

function! swarm#ui#input(opts, Fn) abort
  call swarm#editor#call('input', get(a:opts, 'prompt', ''), get(a:opts, 'default', ''), a:Fn)
endfunction

function! swarm#ui#confirm(question, yes, Fn) abort
  call swarm#ui#select(['No', a:yes], {'prompt': a:question, 'kind': 'swarm-confirm'},
        \ {item, index -> index == 1 ? a:Fn() : 0})
endfunction

" Shown by itself, and not as an error of the command or autocommand that runs now.
function! swarm#ui#message(text, level) abort
  let text = 'swarm: ' .. substitute(a:text, '[[:cntrl:]]\+', ' ', 'g')
  call timer_start(0, {-> swarm#editor#call('message', text, a:level)})
endfunction

function! swarm#ui#info(text) abort
  call swarm#ui#message(a:text, 'info')
endfunction

function! swarm#ui#warning(text) abort
  call swarm#ui#message(a:text, 'warning')
endfunction

function! swarm#ui#error(text) abort
  call swarm#ui#message(a:text, 'error')
endfunction

function! swarm#ui#report(error, what) abort
  if !get(a:error, 'ended')
    call swarm#ui#error((empty(a:what) ? '' : a:what .. ': ') .. get(a:error, 'message', string(a:error)))
  endif
endfunction
