" SPDX-License-Identifier: MIT
" The keys of a transcript, and what those that depend on the place do there.
scriptencoding utf-8

function! swarm#transcript#keys#set(id) abort
  let b:swarm_agent = a:id
  let Map = function('swarm#buffer#map')
  call Map(['i', 'o', 's'], 'call swarm#prompt#enter(b:swarm_agent)', 'write a message')
  call Map(['<CR>', '<2-LeftMouse>'], 'call swarm#transcript#keys#act()', 'open what is here: a file, a whole output, a fold')
  call Map(['gf', 'gF'], 'call swarm#transcript#keys#file()', 'open the file that is named here, at its line')
  call Map('<Tab>', 'silent! normal! za', 'open or close a fold')
  call Map([']]'], 'call swarm#transcript#keys#jump(1)', 'the next message of yours')
  call Map(['[['], 'call swarm#transcript#keys#jump(-1)', 'the one before')
  call Map('a', 'call swarm#command#run("approve", [b:swarm_agent], "")', 'answer: allow')
  call Map('A', 'call swarm#command#run("reject", [b:swarm_agent], "")', 'answer: reject')
  call Map('e', 'call swarm#transcript#keys#edit_queued()', 'edit the message that waits here')
  call Map('x', 'call swarm#transcript#keys#drop_queued()', 'drop the message that waits here')
  call Map('d', 'call swarm#command#run("diff", [b:swarm_agent], "")', 'review its change')
  call Map('m', 'call swarm#command#run("merge", [b:swarm_agent], "")', 'merge, after a preview')
  call Map('U', 'call swarm#command#run("rewind", [b:swarm_agent], "")', 'rewind to an earlier turn')
  call Map('p', 'call swarm#command#run("pause", [b:swarm_agent], "")', 'pause')
  call Map('P', 'call swarm#command#run("continue", [b:swarm_agent], "")', 'go on after a pause')
  call Map('c', 'call swarm#command#run("cancel", [b:swarm_agent], "")', 'cancel the turn')
  call Map('K', 'call swarm#command#run("kill", [b:swarm_agent], "")', 'kill')
  call Map('r', 'call swarm#command#run("resume", [b:swarm_agent], "")', 'resume')
  call Map('X', 'call swarm#command#run("remove", [b:swarm_agent], "")', 'remove')
  call Map('R', 'call swarm#transcript#reload(b:swarm_agent)', 'read it anew')
  call Map('g?', 'call swarm#help#show()', 'this help')
  call Map('q', 'call swarm#transcript#keys#close()', 'close')
endfunction

function! swarm#transcript#keys#close() abort
  call swarm#prompt#close(b:swarm_agent)
  call swarm#buffer#close()
endfunction

" [item or {}, key of the block, line in it] under the cursor.
function! s:here() abort
  let self = swarm#transcript#get(b:swarm_agent)
  if empty(self)
    return [{}, '', 0]
  endif
  let [key, line] = swarm#transcript#blocks#at(self.blocks, line('.'))
  return [get(self.stream.items, key, {}), key, line]
endfunction

function! s:folders() abort
  let agent = swarm#state#get(b:swarm_agent)
  let folders = map(['worktree', 'repository'], 'swarm#util#path(swarm#items#text#of(agent, v:val))')
  return filter(folders, 'v:val !=# ""')
endfunction

" The file that a call is about, when the text names none.
function! s:file_of(item) abort
  let input = swarm#items#text#dict(get(a:item, 'approval', a:item), 'input')
  let path = get(swarm#items#text#list(a:item, 'paths'), 0, swarm#items#text#of(input, 'path'))
  return path ==# '' ? {} : swarm#transcript#link#find(path, 0, s:folders())
endfunction

function! swarm#transcript#keys#file() abort
  let file = swarm#transcript#link#find(getline('.'), col('.') - 1, s:folders())
  let file = empty(file) ? s:file_of(s:here()[0]) : file
  if empty(file)
    return swarm#ui#info('no file of the worktree is named here')
  endif
  call swarm#transcript#window#edit(file.path, file.line)
endfunction

" The whole output of a call: the file that the server keeps, else what came with the item.
function! s:open_output(item) abort
  let path = swarm#util#path(swarm#items#text#of(a:item, 'full'))
  if path !=# '' && filereadable(path)
    call swarm#transcript#window#edit(path, 0)
    setlocal readonly nomodifiable
    return
  endif
  let lines = swarm#items#text#whole(swarm#util#terminal(swarm#items#text#of(a:item, 'output')))
  call swarm#buffer#open('swarm://output/' . a:item.agentId . '/' . a:item.id, 'swarmoutput', '',
        \ function('s:set_up_output'))
  call swarm#buffer#render(bufnr(), lines, 1)
endfunction

function! s:set_up_output() abort
  call swarm#buffer#map('q', 'call swarm#buffer#close()', 'close')
endfunction

function! swarm#transcript#keys#act() abort
  let [item, key, line] = s:here()
  if key ==# 'foot' && s:queued(line) >= 0
    return swarm#transcript#keys#edit_queued()
  elseif foldclosed('.') > 0
    normal! zo
    return
  endif
  let text = getline('.')
  if get(item, 'kind', '') ==# 'tool' && text =~# '^  whole output: \|^  … .*whole output)$'
    return s:open_output(item)
  endif
  let file = swarm#transcript#link#find(text, col('.') - 1, s:folders())
  let file = empty(file) && get(item, 'kind', '') ==# 'tool' && line <= 1 ? s:file_of(item) : file
  if !empty(file)
    call swarm#transcript#window#edit(file.path, file.line)
  else
    silent! normal! za
  endif
endfunction

function! swarm#transcript#keys#jump(direction) abort
  let self = swarm#transcript#get(b:swarm_agent)
  let starts = swarm#transcript#blocks#starts(self.blocks, 'user')
  let there = filter(starts, a:direction > 0 ? 'v:val > line(".")' : 'v:val < line(".")')
  if !empty(there)
    call cursor(there[a:direction > 0 ? 0 : -1], 1)
  elseif a:direction > 0
    call cursor(line('$'), 1)
  endif
endfunction

" --- Messages that wait. ---

function! s:queued(line) abort
  return swarm#transcript#frame#queued_at(swarm#transcript#get(b:swarm_agent), a:line)
endfunction

" The message under the cursor; the only one that there is from anywhere.
function! s:message() abort
  let self = swarm#transcript#get(b:swarm_agent)
  let [_, key, line] = s:here()
  let index = key ==# 'foot' ? s:queued(line) : -1
  if index < 0 && len(self.queue) == 1
    let index = 0
  endif
  if index < 0
    call swarm#ui#info(empty(self.queue) ? 'no message waits' : 'go to one of the messages that wait')
    return {}
  endif
  return self.queue[index]
endfunction

function! swarm#transcript#keys#edit_queued() abort
  let message = s:message()
  if !empty(message)
    call swarm#prompt#edit(b:swarm_agent, message)
  endif
endfunction

function! swarm#transcript#keys#drop_queued() abort
  let message = s:message()
  if !empty(message)
    call swarm#prompt#queue(b:swarm_agent, message.itemId, v:null, {error -> 0})
  endif
endfunction
