" SPDX-License-Identifier: MIT
" The keys of the dashboard. Those that do something to agents do it to all that are marked, else to
" the one under the cursor.

function! swarm#dashboard#keys#set() abort
  let Map = function('swarm#buffer#map')
  let act = 'call swarm#dashboard#keys#act("%s")'
  call Map(['<CR>', 'o', '<2-LeftMouse>'], 'call swarm#dashboard#keys#open("")', 'open the transcript')
  call Map('v', 'call swarm#dashboard#keys#open("vsplit")', 'open it in a vertical split')
  call Map('t', 'call swarm#dashboard#keys#open("tab")', 'open it in a tab page')
  call Map('n', 'call swarm#new#open({})', 'new agent: task, model, role, base')
  call Map('s', printf(act, 'send'), 'send a message')
  call Map('a', printf(act, 'approve'), 'answer its question: allow')
  call Map('A', printf(act, 'reject'), 'answer its question: reject')
  call Map('i', 'Swarm approvals', 'all open questions')
  call Map('c', printf(act, 'cancel'), 'cancel the turn; the agent stays')
  call Map('K', printf(act, 'kill'), 'kill, with all that it started')
  call Map('r', printf(act, 'resume'), 'resume')
  call Map('p', printf(act, 'pause'), 'pause')
  call Map('P', printf(act, 'continue'), 'go on after a pause')
  call Map('X', printf(act, 'remove'), 'remove, with its worktree')
  call Map('d', printf(act, 'diff'), 'review its change')
  call Map('m', printf(act, 'merge'), 'merge')
  call Map('U', printf(act, 'rewind'), 'rewind to an earlier turn')
  call Map('<Space>', 'call swarm#dashboard#keys#mark()', 'mark or unmark; in Visual mode all that are selected')
  call Map('*', 'call swarm#dashboard#mark(1, line("$"))', 'mark all that are shown')
  call Map('u', 'call swarm#dashboard#unmark()', 'unmark all')
  call Map('f', 'call swarm#dashboard#choose#ask()', 'filter by words')
  call Map('F', 'call swarm#dashboard#choose#filter("", {})', 'no filter')
  call Map('gs', 'Swarm sort', 'sort by the next: age, activity, name, cost, tokens')
  call Map('S', 'Swarm scope', 'this session or everything')
  call Map(']]', 'call swarm#dashboard#keys#jump(1)', 'next group')
  call Map('[[', 'call swarm#dashboard#keys#jump(-1)', 'previous group')
  call Map('R', 'call swarm#dashboard#refresh()', 'read the list anew; starts the server when there is none')
  call Map('g?', 'call swarm#help#show()', 'these keys')
  call Map('q', 'call swarm#buffer#close()', 'close')
  xnoremap <buffer> <silent> <nowait> <Space> :<C-u>call swarm#dashboard#mark(line("'<"), line("'>"))<CR>
endfunction

function! swarm#dashboard#keys#open(how) abort
  let ids = swarm#dashboard#agents_here()
  if empty(ids)
    call swarm#ui#warning('there is no agent in this line')
    return
  endif
  call swarm#transcript#open(ids[-1], empty(a:how) ? {} : {'how': a:how})
endfunction

" And goes on to the next line, as lists do.
function! swarm#dashboard#keys#mark() abort
  call swarm#dashboard#mark(line('.'), line('.'))
  normal! j
endfunction

" The marks have done their service when what they were for was asked.
function! swarm#dashboard#keys#act(name) abort
  let ids = swarm#dashboard#agents_here()
  call swarm#command#run(a:name, ids, '')
  call swarm#dashboard#unmark()
endfunction

" To the first agent of the next or previous group.
function! swarm#dashboard#keys#jump(direction) abort
  let title = '^ \%(' .. join(map(range(5), 'swarm#dashboard#model#title(v:val)'), '\|') .. '\)$'
  if a:direction < 0
    call search(title, 'bW')
  endif
  if search(title, a:direction < 0 ? 'bW' : 'W')
    normal! j
  endif
endfunction
