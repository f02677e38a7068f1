" SPDX-License-Identifier: MIT
" Merging an agent's work: a preview in swarm://merge/<id> of what a dry run says, and the merge. Files
" with changes in a buffer that are not saved are told before, and never overwritten.
"
" One is {id, buffer, into, strategy, message, result, error, running, then}: into '' is where the agent
" started from, message '' the server's proposal; result or error is what the newest dry run gave. While
" one runs the server takes no other: `then` is what was asked for meanwhile.
scriptencoding utf-8

let s:merges = {} " id -> merge

let s:text = function('swarm#items#text#of')
let s:painted = function('swarm#items#text#painted')

let s:strategies = [
      \ ['merge', 'a commit with two parents'],
      \ ['squash', 'one commit'],
      \ ['rebase', "the agent's commits, one by one"],
      \ ['ff', 'only when nothing else happened there'],
      \ ]

let s:kinds = {
      \ 'content': 'both changed the same lines', 'added': 'both added it, and not the same',
      \ 'deleted': 'one side deleted what the other changed', 'renamed': 'renamed in two ways',
      \ 'folder': 'a file here, a folder there', 'binary': 'both changed it, and it is binary',
      \ 'mode': 'its mode', 'type': 'a file here, a link there', 'submodule': 'a submodule',
      \ 'attribute': 'git merges it in a way of its own', 'unreadable': 'it cannot be read',
      \ 'staged': 'staged', 'changed': 'changed and not committed', 'missing': 'missing',
      \ 'untracked': 'there, and not in git'}

function! s:name(id) abort
  return 'swarm://merge/' . a:id
endfunction

function! s:params(self, dry) abort
  let params = {'agentId': a:self.id, 'strategy': a:self.strategy}
  for key in ['into', 'message']
    if a:self[key] !=# ''
      let params[key] = a:self[key]
    endif
  endfor
  return a:dry ? extend(params, {'dryRun': v:true}) : params
endfunction

" --- As lines. ---

function! s:unsaved(self) abort
  let files = swarm#items#text#list(get(a:self, 'result', {}), 'files')
  let root = s:text(swarm#state#get(a:self.id), 'repository')
  return swarm#review#reload#unsaved(root, map(copy(files), 'v:val.path'))
endfunction

function! s:conflict_lines(files) abort
  let lines = []
  for file in a:files
    let what = get(s:kinds, file.kind, file.kind)
    let other = s:text(file, 'other')
    let lines += ['', s:painted(printf('✗ %s  %s%s', file.path, what, other ==# '' ? '' : ' (' . other . ')'), 'SwarmFailed')]
    for text in swarm#items#text#whole(s:text(file, 'text'))
      let mark = text =~# '^\%(<<<<<<<\|=======\|>>>>>>>\||||||||\)'
      call add(lines, mark ? s:painted('  ' . text, 'SwarmWaiting') : '  ' . text)
    endfor
    if get(file, 'cut')
      call add(lines, s:painted('  … and so on', 'SwarmDim'))
    endif
  endfor
  return lines
endfunction

function! s:error_lines(error) abort
  let lines = ['', s:painted(' ' . swarm#util#one_line(a:error.message), 'SwarmFailed')]
  let data = swarm#items#text#dict(a:error, 'data')
  if s:text(data, 'kind') ==# 'conflict'
    call add(lines, s:painted(' u asks the agent to resolve them in its own branch', 'SwarmKey'))
  endif
  return lines + s:conflict_lines(swarm#items#text#list(data, 'files'))
endfunction

function! s:result_lines(self, result) abort
  let lines = ['']
  if a:result.upToDate
    call add(lines, ' ' . a:result.into . ' has it all already.')
  endif
  let uncommitted = a:result.uncommitted > 0 ? printf(' (%d not committed yet)', a:result.uncommitted) : ''
  call add(lines, s:painted(' ' . swarm#util#plural(a:result.fileCount, 'file') . uncommitted, 'SwarmHeading'))
  let unsaved = s:unsaved(a:self)
  for file in a:result.files
    let note = index(unsaved, file.path) >= 0 ? '  has changes here that are not saved' : ''
    let text = printf('   %-11s %s', file.status, swarm#util#one_line(file.path))
    call add(lines, {'text': text . note, 'spans': [[strlen(text), strlen(note), 'SwarmWaiting']]})
  endfor
  let dirty = swarm#items#text#list(a:result, 'dirty')
  if !empty(dirty)
    let lines += ['', s:painted(' In the way: not as committed where ' . a:result.into . ' is checked out', 'SwarmFailed')]
    let lines += s:conflict_lines(dirty)
  endif
  let lines += ['', s:painted(' Message', 'SwarmHeading')]
  let message = a:self.message !=# '' ? a:self.message : a:result.message
  return lines + map(swarm#items#text#whole(message), '"   " . v:val')
endfunction

function! s:lines(self) abort
  let result = get(a:self, 'result', {})
  let into = a:self.into !=# '' ? a:self.into : s:text(result, 'into')
  let title = ' Merge  ' . swarm#state#name(extend({'id': a:self.id}, swarm#state#get(a:self.id)))
  let title .= (into ==# '' ? '' : ' into ' . into) . ' · ' . a:self.strategy
  let lines = [{'text': title, 'spans': [[1, 5, 'SwarmTitle']]},
        \ s:painted(' m merge  s strategy  b branch  e message  u update its work  g? all keys', 'SwarmDim')]
  if has_key(a:self, 'error')
    return lines + s:error_lines(a:self.error)
  endif
  return lines + (empty(result) ? ['', ' …'] : s:result_lines(a:self, result))
endfunction

function! s:draw(self) abort
  if bufloaded(a:self.buffer)
    call swarm#buffer#render(a:self.buffer, s:lines(a:self), 1)
  endif
endfunction

" --- The dry run and the merge. ---

function! s:previewed(self, error, result) abort
  silent! unlet a:self.error
  if !empty(a:error)
    let a:self.error = a:error
  else
    let a:self.result = a:result
  endif
  call s:draw(a:self)
  let [a:self.running, Then] = [v:false, a:self.then]
  let a:self.then = function('s:nothing')
  call Then(a:self)
endfunction

function! s:nothing(self) abort
endfunction

function! s:preview(self) abort
  if a:self.running
    let a:self.then = function('s:preview')
    return
  endif
  let a:self.running = v:true
  call swarm#rpc#request('swarm/merge', s:params(a:self, 1), function('s:previewed', [a:self]))
endfunction

function! s:merged(self, error, result) abort
  let [a:self.running, a:self.then] = [v:false, function('s:nothing')]
  if !empty(a:error)
    let a:self.error = a:error
    call s:draw(a:self)
    return swarm#ui#report(a:error, 'merging ' . a:self.id)
  endif
  call swarm#review#reload#paths(map(copy(a:result.files), 'v:val.path'))
  call swarm#ui#info(printf('merged %s into %s as %s', swarm#util#plural(a:result.fileCount, 'file'),
        \ a:result.into, s:text(a:result, 'commit')[:11]))
  call swarm#buffer#finish(a:self.buffer)
endfunction

function! s:merge(self) abort
  let a:self.running = v:true
  call swarm#rpc#request('swarm/merge', s:params(a:self, 0), function('s:merged', [a:self]))
endfunction

" Without a preview there is nothing to agree to.
function! s:run(self) abort
  if a:self.running
    let a:self.then = function('s:run')
    return
  elseif has_key(a:self, 'error')
    return swarm#ui#info('this cannot be merged as it is: R looks again')
  endif
  let unsaved = s:unsaved(a:self)
  if empty(unsaved)
    return s:merge(a:self)
  endif
  call swarm#ui#confirm(join(unsaved, ', ') . ' has changes here that are not saved. They stay in the buffer; merge?',
        \ 'Merge', function('s:merge', [a:self]))
endfunction

function! swarm#review#merge#run() abort
  call s:run(s:merges[b:swarm_agent])
endfunction

function! s:chosen(self, strategy, index) abort
  if a:index >= 0
    let a:self.strategy = a:strategy[0]
    call s:preview(a:self)
  endif
endfunction

function! swarm#review#merge#strategies() abort
  return map(copy(s:strategies), 'v:val[0]')
endfunction

function! swarm#review#merge#strategy() abort
  call swarm#ui#select(s:strategies, {'prompt': 'How to merge:', 'kind': 'swarm-strategy',
        \ 'format': {item -> item[0] . ': ' . item[1]}}, function('s:chosen', [s:merges[b:swarm_agent]]))
endfunction

function! s:took_branch(self, branch) abort
  if type(a:branch) == v:t_string && trim(a:branch) !=# ''
    let a:self.into = trim(a:branch)
    call s:preview(a:self)
  endif
endfunction

function! swarm#review#merge#branch() abort
  let self = s:merges[b:swarm_agent]
  let into = self.into !=# '' ? self.into : s:text(get(self, 'result', {}), 'into')
  call swarm#ui#input({'prompt': 'Merge into: ', 'default': into}, function('s:took_branch', [self]))
endfunction

function! s:updated(self, error, result) abort
  if !empty(a:error)
    return swarm#ui#report(a:error, 'updating ' . a:self.id)
  endif
  let conflicts = swarm#items#text#list(a:result, 'conflicts')
  call swarm#ui#info(empty(conflicts) ? a:self.id . ' has ' . a:result.from . ' now'
        \ : a:self.id . ' resolves conflicts in ' . swarm#util#plural(len(conflicts), 'file'))
  call s:preview(a:self)
endfunction

function! swarm#review#merge#update() abort
  let self = s:merges[b:swarm_agent]
  let params = {'agentId': self.id, 'conflicts': 'resolve'}
  call swarm#rpc#request('swarm/update', self.into ==# '' ? params : extend(params, {'from': self.into}),
        \ function('s:updated', [self]))
endfunction

" --- Buffers. ---

function! s:set_up(id) abort
  let b:swarm_agent = a:id
  let Map = function('swarm#buffer#map')
  call Map('m', 'call swarm#review#merge#run()', 'merge')
  call Map('s', 'call swarm#review#merge#strategy()', 'how: merge, squash, rebase, ff')
  call Map('b', 'call swarm#review#merge#branch()', 'into which branch')
  call Map('e', 'call swarm#review#merge#message()', 'write the message')
  call Map('u', 'call swarm#review#merge#update()', "bring the branch into the agent's work; it resolves conflicts")
  call Map('d', 'call swarm#command#run("diff", [b:swarm_agent], "")', 'review the change')
  call Map('R', 'call swarm#review#merge#reload()', 'look again')
  call Map('g?', 'call swarm#help#show()', 'this help')
  call Map('q', 'call swarm#buffer#close()', 'close')
  autocmd swarm BufWinEnter <buffer> call swarm#buffer#options(['nonumber', 'norelativenumber', 'nolist', 'nospell',
        \ 'wrap', 'signcolumn=no', 'foldcolumn=0', 'nofoldenable'])
endfunction

function! swarm#review#merge#reload() abort
  call s:preview(s:merges[b:swarm_agent])
endfunction

" Shows what merging would do. options, all optional: strategy, into, how (see swarm#buffer#open()).
function! swarm#review#merge#open(id, ...) abort
  let options = a:0 ? a:1 : {}
  let self = {'id': a:id, 'into': get(options, 'into', ''), 'strategy': get(options, 'strategy', 'merge'), 'message': '',
        \ 'running': v:false, 'then': function('s:nothing')}
  let s:merges[a:id] = self
  let self.buffer = swarm#buffer#open(s:name(a:id), 'swarmmerge', get(options, 'how', ''), function('s:set_up', [a:id]))
  call s:draw(self)
  call s:preview(self)
endfunction

function! s:set_up_message(self) abort
  setlocal buftype=acwrite modifiable undolevels< bufhidden=wipe
  let b:swarm_agent = a:self.id
  autocmd swarm BufWriteCmd <buffer> call swarm#review#merge#take_message()
endfunction

function! swarm#review#merge#message() abort
  let self = s:merges[b:swarm_agent]
  let message = self.message !=# '' ? self.message : s:text(get(self, 'result', {}), 'message')
  call swarm#buffer#open(s:name(self.id) . '/message', 'gitcommit', 'split', function('s:set_up_message', [self]))
  call setline(1, swarm#items#text#whole(message))
  setlocal nomodified
endfunction

" `:w` in the buffer of the message.
function! swarm#review#merge#take_message() abort
  let self = s:merges[b:swarm_agent]
  let self.message = join(getline(1, '$'), "\n")
  setlocal nomodified
  call s:draw(self)
endfunction
