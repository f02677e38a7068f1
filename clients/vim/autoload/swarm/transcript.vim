" SPDX-License-Identifier: MIT
" Transcripts: one buffer swarm://agent/<id> an agent, which streams.
"
" Events change the model at once (stream.vim) and the buffer at most 20 times a second. A window
" whose cursor is on the last line follows the end; others stay where they are.
"
" One is {id, buffer, stream, blocks, older, loading, problem, queue, draw, spin}: `older` is the
" seq before which there are older items (0: none), `queue` the messages that wait.

let s:HEAD = -1 " the order of these two among the items
let s:FOOT = 1 / 0 " the greatest number there is

let s:transcripts = {} " id -> transcript

function! swarm#transcript#name(id) abort
  return 'swarm://agent/' . a:id
endfunction

" The id of the agent whose transcript or prompt a buffer is; '' for any other.
function! swarm#transcript#agent_of(buffer) abort
  return matchstr(bufname(a:buffer), '^swarm://agent/\zs[^/]\+')
endfunction

function! s:options() abort
  return {'output_lines': swarm#config#get('output_lines')}
endfunction

function! s:draw_item(self, item) abort
  let seq = get(a:item, 'seq', 0)
  let previous = swarm#transcript#blocks#kind_before(a:self.blocks, a:item.id, seq)
  call swarm#transcript#blocks#set(a:self.blocks, a:item.id, seq,
        \ swarm#items#render(a:item, previous, s:options()), a:item.kind)
endfunction

function! s:draw_frame(self) abort
  let agent = swarm#state#get(a:self.id)
  call swarm#transcript#blocks#set(a:self.blocks, 'head', s:HEAD,
        \ swarm#transcript#frame#head(a:self.id, agent), 'head')
  call swarm#transcript#blocks#set(a:self.blocks, 'foot', s:FOOT,
        \ swarm#transcript#frame#foot(agent, a:self), 'foot')
endfunction

function! s:draw(self) abort
  if !bufloaded(a:self.buffer) || get(s:transcripts, a:self.id, {}) isnot a:self
    return
  endif
  let following = swarm#transcript#window#following(a:self.buffer, a:self.blocks.count)
  for change in swarm#transcript#stream#changes(a:self.stream)
    if !has_key(change, 'appended')
          \ || !swarm#transcript#blocks#append(a:self.blocks, change.item.id, change.appended)
      call s:draw_item(a:self, change.item)
    endif
  endfor
  call s:draw_frame(a:self)
  call swarm#transcript#window#to_end(following)
  call swarm#transcript#spinner#mind(a:self)
endfunction

" Queued messages are not items yet; the snapshot has only their number.
function! s:read_queue(self) abort
  if swarm#items#text#number(swarm#state#get(a:self.id), 'queued') == 0
    let a:self.queue = []
    return
  endif
  call swarm#rpc#request('swarm/get', {'agentId': a:self.id}, function('s:got_queue', [a:self]))
endfunction

function! s:got_queue(self, error, result) abort
  if empty(a:error)
    let a:self.queue = a:result.queue
    call a:self.draw()
  endif
endfunction

" Reads the newest page, and follows from there. Before it has come, events are not taken: what they
" say is in the page, or is sent again after it.
function! s:load(self) abort
  if a:self.loading
    return
  endif
  let a:self.loading = 1
  call swarm#rpc#request('swarm/transcript', {'agentId': a:self.id, 'limit': swarm#config#get('page')},
        \ function('s:loaded', [a:self]))
endfunction

function! s:loaded(self, error, result) abort
  let a:self.loading = 0
  if !empty(a:error)
    call swarm#ui#report(a:error, 'the transcript of ' . a:self.id)
    let a:self.problem = get(a:error, 'ended') ? a:error.message : ''
    return s:flush(a:self)
  endif
  let a:self.problem = ''
  let a:self.older = swarm#items#text#number(a:result, 'next')
  let following = swarm#transcript#window#following(a:self.buffer, a:self.blocks.count)
  let reading = swarm#transcript#window#reading(a:self.buffer, a:self.blocks.count)
  let a:self.stream = swarm#transcript#stream#new()
  call swarm#transcript#blocks#clear(a:self.blocks)
  call swarm#transcript#stream#take_page(a:self.stream, a:result.items)
  call s:draw(a:self)
  call swarm#transcript#window#to_end(following)
  call swarm#transcript#window#restore(reading, 0)
  call swarm#prompt#seed(a:result.items)
  call swarm#state#watch(a:self.id, a:self.take, a:result.seq)
  call s:read_queue(a:self)
endfunction

function! s:take(self, event) abort
  if !a:self.loading && a:event.type !=# 'turn'
    call swarm#transcript#stream#take(a:self.stream, a:event)
    call a:self.draw()
  endif
endfunction

" Reads the page before the oldest item; what is being read stays where it is on the screen.
function! s:load_older(self) abort
  if a:self.older == 0 || a:self.loading || a:self.loading_older
    return
  endif
  let a:self.loading_older = 1
  call swarm#rpc#request('swarm/transcript',
        \ {'agentId': a:self.id, 'before': a:self.older, 'limit': swarm#config#get('page')},
        \ function('s:loaded_older', [a:self, a:self.stream]))
endfunction

function! s:loaded_older(self, stream, error, result) abort
  let a:self.loading_older = 0
  if a:stream isnot a:self.stream
    return
  elseif !empty(a:error)
    return swarm#ui#report(a:error, 'older items of ' . a:self.id)
  endif
  let a:self.older = swarm#items#text#number(a:result, 'next')
  let reading = swarm#transcript#window#reading(a:self.buffer, a:self.blocks.count)
  let before = a:self.blocks.count
  call swarm#transcript#stream#take_page(a:self.stream, a:result.items)
  call s:draw(a:self)
  call swarm#transcript#window#restore(reading, a:self.blocks.count - before)
endfunction

" A window has come to show the buffer.
function! s:entered(self) abort
  if get(w:, 'swarm_transcript', '') !=# a:self.id
    let w:swarm_transcript = a:self.id
    call swarm#transcript#window#set_options()
    call swarm#transcript#blocks#fold_window(a:self.blocks)
  endif
  call swarm#transcript#spinner#mind(a:self)
endfunction

function! s:left() abort
  unlet! w:swarm_transcript
  call timer_start(0, {-> swarm#prompt#tidy()})
endfunction

" Whoever comes to the first line wants to see what was before it.
function! s:moved(self) abort
  let top = line('w0')
  if a:self.older != 0 && (line('.') == 1 || (top == 1 && get(w:, 'swarm_top', 1) > 1))
    call s:load_older(a:self)
  endif
  let w:swarm_top = top
endfunction

function! s:forget(self) abort
  if get(s:transcripts, a:self.id, {}) is a:self
    call remove(s:transcripts, a:self.id)
    call swarm#transcript#spinner#stop(a:self)
    call swarm#state#unwatch(a:self.id, a:self.take)
  endif
endfunction

" What the buffer's autocommands call: the buffer says which transcript it is.
function! swarm#transcript#on(what) abort
  let self = get(s:transcripts, swarm#transcript#agent_of(str2nr(expand('<abuf>'))), {})
  if empty(self)
    return
  elseif a:what ==# 'enter'
    call s:entered(self)
  elseif a:what ==# 'leave'
    call s:left()
  elseif a:what ==# 'move'
    call s:moved(self)
  else
    call s:forget(self)
  endif
endfunction

function! s:set_autocommands(buffer) abort
  augroup swarm_transcript
    execute printf('autocmd! * <buffer=%d>', a:buffer)
    execute printf('autocmd BufWinEnter,BufEnter <buffer=%d> call swarm#transcript#on("enter")', a:buffer)
    execute printf('autocmd BufWinLeave <buffer=%d> call swarm#transcript#on("leave")', a:buffer)
    execute printf('autocmd CursorMoved <buffer=%d> call swarm#transcript#on("move")', a:buffer)
    execute printf('autocmd BufUnload <buffer=%d> call swarm#transcript#on("unload")', a:buffer)
  augroup END
endfunction

function! s:new(id) abort
  let self = {'id': a:id, 'stream': swarm#transcript#stream#new(), 'older': 0, 'loading': 0,
        \ 'loading_older': 0, 'problem': '', 'queue': [], 'frame': 0, 'timer': -1}
  let self.draw = {-> swarm#buffer#every(self.buffer, function('s:draw', [self]))}
  let self.take = function('s:take', [self])
  let s:transcripts[a:id] = self
  return self
endfunction

function! s:create(id) abort
  let self = s:new(a:id)
  call swarm#buffer#open(swarm#transcript#name(a:id), 'swarmtranscript', 'hidden', function('s:set_up', [self]))
  call s:draw(self)
  call s:load(self)
  return self
endfunction

" The buffer is there with its keys, but it was unloaded.
function! s:emptied(data) abort
  let id = matchstr(bufname(a:data.bufnr), '^swarm://agent/\zs[^/]\+$')
  if id !=# ''
    let self = s:new(id)
    let self.buffer = a:data.bufnr
    let self.blocks = swarm#transcript#blocks#new(a:data.bufnr)
    call s:draw(self)
    call s:load(self)
  endif
endfunction

" With the buffer current, which is new.
function! s:set_up(self) abort
  let a:self.buffer = bufnr()
  let a:self.blocks = swarm#transcript#blocks#new(a:self.buffer)
  call swarm#transcript#keys#set(a:self.id)
  call s:set_autocommands(a:self.buffer)
endfunction

" --- What others call. ---

" An open transcript, {} when there is none.
function! swarm#transcript#get(id) abort
  return get(s:transcripts, a:id, {})
endfunction

" Shows an agent's transcript. options, all optional: how (of the option `open`), modifiers (of the
" command), started (the agent is new, so that `open` being `none` is minded).
function! swarm#transcript#open(id, ...) abort
  let options = a:0 ? a:1 : {}
  if get(options, 'started') && swarm#config#get('open') ==# 'none'
    return
  endif
  let self = has_key(s:transcripts, a:id) ? s:transcripts[a:id] : s:create(a:id)
  call swarm#transcript#window#show(self.buffer, options)
  call swarm#prompt#show(a:id, win_getid())
endfunction

" Of :Swarm, see command.vim.
function! swarm#transcript#command(id, words, command) abort
  call swarm#transcript#open(a:id, {'modifiers': a:command.modifiers})
endfunction

" Is the agent's transcript on the screen?
function! swarm#transcript#visible(id) abort
  return has_key(s:transcripts, a:id) && swarm#buffer#window(s:transcripts[a:id].buffer) != 0
endfunction

" The messages that wait have changed.
function! swarm#transcript#set_queue(id, queue) abort
  if has_key(s:transcripts, a:id)
    let s:transcripts[a:id].queue = a:queue
    call s:transcripts[a:id].draw()
  endif
endfunction

function! swarm#transcript#reload(id) abort
  call s:load(s:transcripts[a:id])
endfunction

" --- What happens elsewhere. ---

function! s:agent(data) abort
  let self = get(s:transcripts, a:data.id, {})
  if empty(self)
    return
  endif
  if swarm#items#text#number(a:data.agent, 'queued') != swarm#items#text#number(a:data.old, 'queued')
    call s:read_queue(self)
  endif
  call self.draw()
endfunction

function! s:gone(data) abort
  let self = get(s:transcripts, a:data.id, {})
  if !empty(self)
    call swarm#prompt#close(a:data.id)
    call s:forget(self)
    call swarm#buffer#finish(self.buffer)
  endif
endfunction

function! s:exit(data) abort
  for self in values(s:transcripts)
    let self.loading = 0
    let self.problem = a:data.reason
    call self.draw()
  endfor
endfunction

" The prompt goes with the transcript.
function! s:uncovered(data) abort
  for self in filter(values(s:transcripts), 'v:val.buffer == a:data.bufnr')
    call swarm#prompt#show(self.id, win_getid())
  endfor
endfunction

function! s:load_all(_) abort
  for self in values(s:transcripts)
    call s:load(self)
  endfor
endfunction

call swarm#event#on('agent', function('s:agent'))
call swarm#event#on('gone', function('s:gone'))
call swarm#event#on('exit', function('s:exit'))
call swarm#event#on('uncovered', function('s:uncovered'))
call swarm#event#on('emptied', function('s:emptied'))
call swarm#event#on('ready', function('s:load_all'))
call swarm#event#on('reset', function('s:load_all'))
