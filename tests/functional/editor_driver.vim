" SPDX-License-Identifier: MIT
" Lets a test drive the editor that reads this file: it connects to the socket $SWARM_TEST_SOCKET and
" answers lines of JSON. {id, expr} is evaluated, with g:a as the argument; {id, ex} is executed.

let s:rest = ''

function! s:answer(line) abort
  let message = json_decode(a:line)
  let g:a = get(message, 'argument', v:null)
  let reply = {'id': message.id}
  try
    if has_key(message, 'ex')
      execute message.ex
    else
      let reply.value = eval(message.expr)
    endif
  catch
    let reply.error = v:exception .. ' in ' .. v:throwpoint
  endtry
  call s:send(json_encode(reply) .. "\n")
endfunction

if has('nvim')
  function! s:data(channel, data, name) abort
    let lines = copy(a:data)
    let lines[0] = s:rest .. lines[0]
    let s:rest = remove(lines, -1)
    for line in lines
      call s:answer(line)
    endfor
  endfunction
  let s:channel = sockconnect('pipe', $SWARM_TEST_SOCKET, {'on_data': function('s:data')})
  function! s:send(text) abort
    call chansend(s:channel, a:text)
  endfunction
else
  let s:channel = ch_open('unix:' .. $SWARM_TEST_SOCKET, {'mode': 'nl', 'callback': {channel, line -> s:answer(line)}})
  function! s:send(text) abort
    call ch_sendraw(s:channel, a:text)
  endfunction
endif

" What people would answer to a question: tests set the words.
let g:answers = []
let g:asked = []

function! s:choice(items, prompt) abort
  call add(g:asked, a:prompt)
  let wanted = remove(g:answers, 0)
  if index(a:items, wanted) < 0
    throw 'no answer ' .. wanted .. ' to ' .. a:prompt
  endif
  return index(a:items, wanted)
endfunction

function! TestSelect(items, prompt, kind, Fn) abort
  call a:Fn(s:choice(a:items, a:prompt))
endfunction

function! TestInput(prompt, default, Fn) abort
  call add(g:asked, a:prompt)
  call a:Fn(remove(g:answers, 0))
endfunction

" Questions are answered by the words of g:answers from here on.
function! TestAnswers() abort
  if has('nvim')
    lua << END
      vim.ui.select = function(items, options, done)
        local index = vim.fn.TestChoice(items, options.prompt)
        done(items[index + 1], index + 1)
      end
      vim.ui.input = function(options, done) done(vim.fn.TestTyped(options.prompt)) end
END
  else
    runtime autoload/swarm/vim.vim
    " As text, because Vim would load the script already where it reads such a name in a function.
    execute "function! swarm#vim#select(items, prompt, kind, Fn) abort\n"
          \ .. "call TestSelect(a:items, a:prompt, a:kind, a:Fn)\nendfunction"
    execute "function! swarm#vim#input(prompt, default, Fn) abort\n"
          \ .. "call TestInput(a:prompt, a:default, a:Fn)\nendfunction"
  endif
endfunction

function! TestChoice(items, prompt) abort
  return s:choice(a:items, a:prompt)
endfunction

function! TestTyped(prompt) abort
  call add(g:asked, a:prompt)
  return remove(g:answers, 0)
endfunction

" Changes of the current buffer are noted from here on.
function! TestWatch() abort
  let g:notes = []
  if has('nvim')
    lua << END
      vim.api.nvim_buf_attach(0, false, { on_lines = function(_, _, _, first, last, new)
        vim.fn.TestNote(first, last, new)
      end })
END
  else
    call listener_add({bufnr, start, end, added, changes ->
          \ map(copy(changes), {_, change -> TestNote(change.lnum - 1, change.end - 1, change.end - 1 + change.added)})})
  endif
endfunction

function! TestNote(first, last, new) abort
  call add(g:notes, [a:first, a:last, a:new])
endfunction

" A test that was killed leaves no editor behind.
function! s:look_for_parent(timer) abort
  if !filereadable($SWARM_TEST_ALIVE)
    qall!
  endif
endfunction
call timer_start(2000, function('s:look_for_parent'), {'repeat': -1})
