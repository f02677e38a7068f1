" SPDX-License-Identifier: MIT
" The review of an agent's change: one buffer swarm://review/<id>, by files and hunks. Accepting is a
" mark of the person's; rejecting takes the hunk back in the worktree, where a checkpoint keeps it.
"
" One is {id, buffer, result, files, accepted, comments, kept, lines, loading}; see lines.vim.
scriptencoding utf-8

let s:reviews = {} " id -> review

function! s:name(id) abort
  return 'swarm://review/' . a:id
endfunction

function! s:draw(self) abort
  if bufloaded(a:self.buffer) && has_key(a:self, 'result')
    let agent = extend({'id': a:self.id}, swarm#state#get(a:self.id))
    let a:self.lines = swarm#review#lines#render(a:self, agent)
    call swarm#buffer#render(a:self.buffer, a:self.lines, 1)
  endif
endfunction

" Done() is called when the change is there.
function! s:load(self, Done) abort
  if !a:self.loading
    let a:self.loading = 1
    call swarm#rpc#request('swarm/diff', {'agentId': a:self.id}, function('s:loaded', [a:self, a:Done]))
  endif
endfunction

function! s:loaded(self, Done, error, result) abort
  let a:self.loading = 0
  if !empty(a:error)
    call swarm#ui#report(a:error, 'the change of ' . a:self.id)
    if !has_key(a:self, 'result') && bufloaded(a:self.buffer)
      call swarm#buffer#render(a:self.buffer, [' ' . swarm#util#one_line(a:error.message)], 1)
    endif
    return
  endif
  let a:self.result = a:result
  let a:self.files = swarm#review#lines#files(a:result)
  call s:draw(a:self)
  call a:Done()
endfunction

function! s:nothing() abort
endfunction

" The first hunk is where one begins.
function! s:to_first(self) abort
  for window in win_findbuf(a:self.buffer)
    if line('.', window) == 1
      call win_execute(window, 'call cursor(min([4, line("$")]), 1)')
    endif
  endfor
endfunction

function! swarm#review#fold(lnum) abort
  let self = get(s:reviews, get(b:, 'swarm_agent', ''), {})
  return swarm#review#lines#fold(get(get(self, 'lines', []), a:lnum - 1, ''))
endfunction

function! s:set_up(id) abort
  let b:swarm_agent = a:id
  let Map = function('swarm#buffer#map')
  call Map('a', 'call swarm#review#accept()', 'accept the hunk, or the file, or take that back')
  call Map('x', 'call swarm#review#reject()', 'reject it: the change is taken back in the worktree')
  call Map('u', 'call swarm#review#undo()', 'undo the newest rejection')
  call Map('C', 'call swarm#review#comment()', 'comment: goes to the agent, with the place')
  call Map('d', 'call swarm#review#diff#open(swarm#review#here())', 'compare the file side by side')
  call Map(['<CR>', 'gf', '<2-LeftMouse>'], 'call swarm#review#edit()', 'open the file of the worktree at this line')
  call Map('m', 'call swarm#review#merge#open(b:swarm_agent)', 'merge, after a preview')
  call Map(']c', 'call swarm#review#jump("hunk", 1)', 'the next hunk')
  call Map('[c', 'call swarm#review#jump("hunk", -1)', 'the one before')
  call Map(']f', 'call swarm#review#jump("file", 1)', 'the next file')
  call Map('[f', 'call swarm#review#jump("file", -1)', 'the one before')
  call Map('<Tab>', 'silent! normal! za', 'open or close a fold')
  call Map('o', 'call swarm#transcript#open(b:swarm_agent)', 'its transcript')
  call Map('R', 'call swarm#review#reload()', 'read it anew')
  call Map('g?', 'call swarm#help#show()', 'this help')
  call Map('q', 'call swarm#buffer#close()', 'close')
  autocmd swarm BufWinEnter <buffer> call swarm#buffer#options(['nonumber', 'norelativenumber', 'nolist', 'nospell',
        \ 'nowrap', 'signcolumn=no', 'foldcolumn=0', 'foldmethod=expr', 'foldexpr=swarm#review#fold(v:lnum)',
        \ 'foldlevel=9', 'foldenable', 'cursorline'])
endfunction

" Of :Swarm, see command.vim: shows the review of an agent.
function! swarm#review#open(id, words, command) abort
  if !has_key(s:reviews, a:id)
    let s:reviews[a:id] = {'id': a:id, 'accepted': {}, 'comments': {}, 'kept': [], 'files': [], 'lines': [],
          \ 'loading': 0}
  endif
  let self = s:reviews[a:id]
  let self.buffer = swarm#buffer#open(s:name(a:id), 'swarmreview', a:command.modifiers, function('s:set_up', [a:id]))
  if has_key(self, 'result')
    call s:draw(self)
  else
    call swarm#buffer#render(self.buffer, [' Reading the change of ' . a:id . ' …'], 1)
  endif
  call s:load(self, function('s:to_first', [self]))
endfunction

function! swarm#review#merge(id, words, command) abort
  let words = split(a:words)
  call swarm#review#merge#open(a:id, extend({'how': a:command.modifiers}, empty(words) ? {} : {'strategy': words[0]}))
endfunction

function! swarm#review#reload() abort
  call s:load(s:reviews[b:swarm_agent], function('s:nothing'))
endfunction

" What is under the cursor: {review, file, hunk, at}; file and hunk are {} for none. hunk has `index`.
function! swarm#review#here() abort
  let self = s:reviews[b:swarm_agent]
  let line = get(self.lines, line('.') - 1, '')
  let place = {'review': self, 'file': {}, 'hunk': {}, 'at': 0}
  if type(line) == v:t_dict && has_key(line, 'file')
    let place.file = self.files[line.file]
    let place.at = get(line, 'at', 0)
    if has_key(line, 'hunk')
      let place.hunk = extend({'index': line.hunk}, place.file.hunks[line.hunk])
    endif
  endif
  return place
endfunction

function! s:place(what) abort
  let place = swarm#review#here()
  if empty(place.file)
    call swarm#ui#info(a:what . ': go to a hunk, or to the line of a file')
  endif
  return place
endfunction

function! swarm#review#accept() abort
  let place = s:place('accept')
  let hunks = empty(place.file) ? [] : empty(place.hunk) ? place.file.hunks : [place.hunk]
  let accepted = place.review.accepted
  let all = empty(filter(copy(hunks), '!has_key(accepted, v:val.hash)'))
  for hunk in hunks
    if all
      call remove(accepted, hunk.hash)
    else
      let accepted[hunk.hash] = 1
    endif
  endfor
  call s:draw(place.review)
  if !all && !empty(place.hunk)
    call swarm#review#jump('hunk', 1)
  endif
endfunction

" --- Rejecting, and undoing that. ---

function! s:reverted(self, what, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'rejecting ' . a:what)
  else
    call add(a:self.kept, a:result.kept)
    call swarm#state#put(a:result.agent)
    call swarm#ui#info(a:what . ' is taken back; u undoes that')
  endif
  call s:changed(a:self)
endfunction

function! s:changed(self) abort
  let worktree = swarm#items#text#of(swarm#state#get(a:self.id), 'worktree')
  call swarm#review#reload#below(swarm#util#path(worktree))
  call s:load(a:self, function('s:nothing'))
endfunction

function! s:revert(self, params, what) abort
  call swarm#rpc#request('swarm/revert', extend({'agentId': a:self.id}, a:params),
        \ function('s:reverted', [a:self, a:what]))
endfunction

function! swarm#review#reject() abort
  let place = s:place('reject')
  if empty(place.file)
    return
  endif
  let path = place.file.path
  if !empty(place.hunk)
    return s:revert(place.review, {'path': path, 'hunk': {'index': place.hunk.index, 'hash': place.hunk.hash}},
          \ 'a hunk of ' . path)
  endif
  call swarm#ui#confirm('Take the whole change of ' . path . ' back?', 'Take it back',
        \ function('s:revert', [place.review, {'path': path}, path]))
endfunction

function! s:undone(self, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'undoing')
  else
    call remove(a:self.kept, -1)
    call swarm#ui#info('the files are as before the rejection')
  endif
  call s:changed(a:self)
endfunction

function! swarm#review#undo() abort
  let self = s:reviews[b:swarm_agent]
  if empty(self.kept)
    return swarm#ui#info('nothing was rejected here')
  endif
  call swarm#rpc#request('swarm/rewind', {'agentId': self.id, 'turn': self.kept[-1]}, function('s:undone', [self]))
endfunction

" --- Comments. ---

function! s:commented(place, comment, error, result) abort
  if !empty(a:error)
    return swarm#ui#report(a:error, 'the comment was not sent')
  endif
  let hash = empty(a:place.hunk) ? '' : a:place.hunk.hash
  let comments = a:place.review.comments
  let comments[hash] = get(comments, hash, []) + [a:comment]
  call s:draw(a:place.review)
  call swarm#ui#info('the comment was ' . (a:result.delivery ==# 'queued' ? 'queued for ' : 'sent to ') . a:place.review.id)
endfunction

function! s:send_comment(place, comment) abort
  if type(a:comment) != v:t_string || trim(a:comment) ==# ''
    return
  endif
  let text = swarm#review#lines#message(a:place.file, a:place.hunk, a:place.at, trim(a:comment))
  call swarm#rpc#request('swarm/send', {'agentId': a:place.review.id, 'text': text},
        \ function('s:commented', [a:place, trim(a:comment)]))
endfunction

function! swarm#review#comment() abort
  let place = s:place('comment')
  if !empty(place.file)
    let line = empty(place.hunk) ? '' : ':' . swarm#review#patch#new_line(place.hunk, place.at)
    call swarm#ui#input({'prompt': 'On ' . place.file.path . line . ': '}, function('s:send_comment', [place]))
  endif
endfunction

" --- Going about. ---

function! swarm#review#edit() abort
  let place = s:place('open')
  if empty(place.file)
    return
  endif
  let worktree = swarm#util#path(swarm#items#text#of(swarm#state#get(place.review.id), 'worktree'))
  let path = worktree . '/' . place.file.path
  if !filereadable(path)
    return swarm#ui#info(place.file.path . ' is not there any more; d compares')
  endif
  call swarm#transcript#window#edit(path, empty(place.hunk) ? 0 : swarm#review#patch#new_line(place.hunk, place.at))
endfunction

function! s:is_start(line, what) abort
  return type(a:line) == v:t_dict && has_key(a:line, 'file') && !has_key(a:line, 'at')
        \ && has_key(a:line, 'hunk') == (a:what ==# 'hunk') && a:line.text !~# '^» '
endfunction

function! swarm#review#jump(what, direction) abort
  let lines = s:reviews[b:swarm_agent].lines
  let at = line('.') - 1 + a:direction
  while at >= 0 && at < len(lines)
    if s:is_start(lines[at], a:what)
      return cursor(at + 1, 1)
    endif
    let at += a:direction
  endwhile
endfunction

" --- What happens elsewhere. ---

function! s:agent(data) abort
  let self = get(s:reviews, a:data.id, {})
  if !empty(self) && has_key(self, 'buffer') && !empty(win_findbuf(self.buffer))
        \ && get(a:data.agent, 'changes', {}) != get(a:data.old, 'changes', {})
    call s:load(self, function('s:nothing'))
  endif
endfunction

function! s:gone(data) abort
  if has_key(s:reviews, a:data.id)
    call swarm#buffer#finish(remove(s:reviews, a:data.id).buffer)
  endif
endfunction

call swarm#event#on('agent', function('s:agent'))
call swarm#event#on('gone', function('s:gone'))
