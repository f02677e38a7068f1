" SPDX-License-Identifier: MIT
" The inbox swarm://approvals: the open questions of all agents with their patches, the oldest first,
" to be answered there. It is read anew when an agent's count of questions changes.

let s:text = function('swarm#items#text#of')
let s:painted = function('swarm#items#text#painted')

let s:NAME = 'swarm://approvals'
let s:PAGE = 100
let s:KEYS = ' a allow  y allow once  Y always  A n reject  N always  e edit  <CR> transcript  g? all keys'

let s:inbox = {'approvals': [], 'total': 0, 'lines': [], 'loading': 0, 'again': 0, 'loaded': 0}

function! s:age(approval) abort
  let asked = swarm#util#seconds(s:text(a:approval, 'askedAt'))
  return asked is v:null ? '' : swarm#util#duration(localtime() - asked)
endfunction

" Of one question; each line has the approval's index.
function! s:question(approval, index) abort
  let head = '? ' . swarm#util#one_line(get(a:approval, 'agentName', a:approval.agentId))
  let title = '  ' . swarm#approval#text#title(a:approval)
  let age = '  ' . s:age(a:approval)
  let lines = [{'text': head . title . age, 'spans': [[0, strlen(head), 'SwarmWaiting'],
        \ [strlen(head), strlen(title), 'SwarmHeading'], [strlen(head . title), strlen(age), 'SwarmDim']]}]
  let lines += [s:painted('  ' . swarm#util#one_line(s:text(a:approval, 'why')), 'SwarmDim')]
  let lines += swarm#approval#text#detail(a:approval, '  ') + swarm#approval#text#always(a:approval, '  ')
  return map(lines, 'extend(type(v:val) == v:t_dict ? v:val : {"text": v:val, "spans": []}, {"approval": a:index})')
endfunction

function! s:lines() abort
  let total = s:inbox.total
  let title = ' Approvals  ' . (total == 0 ? 'nobody asks anything' : swarm#util#plural(total, 'question'))
  let lines = [{'text': title, 'spans': [[1, 9, 'SwarmTitle']]}, s:painted(s:KEYS, 'SwarmDim')]
  for index in range(len(s:inbox.approvals))
    let lines += [''] + s:question(s:inbox.approvals[index], index)
  endfor
  let left = total - len(s:inbox.approvals)
  return left > 0 ? lines + ['', printf(' and %d more, when these are answered', left)] : lines
endfunction

function! s:draw() abort
  let buffer = swarm#buffer#find(s:NAME)
  if buffer && s:inbox.loaded
    let s:inbox.lines = s:lines()
    call swarm#buffer#render(buffer, s:inbox.lines, 1)
  endif
endfunction

function! s:loaded(error, result) abort
  let s:inbox.loading = 0
  if !empty(a:error)
    call swarm#ui#report(a:error, 'the open questions')
  else
    let [s:inbox.approvals, s:inbox.total, s:inbox.loaded] = [a:result.approvals, a:result.total, 1]
    call s:draw()
    call s:to_first()
  endif
  if s:inbox.again
    call s:load()
  endif
endfunction

" One request at a time; what happens meanwhile asks for another.
function! s:load() abort
  let s:inbox.again = s:inbox.loading
  if !s:inbox.loading
    let s:inbox.loading = 1
    call swarm#rpc#request('swarm/approvals', {'limit': s:PAGE}, function('s:loaded'))
  endif
endfunction

" From the head, where one comes in, to the first question.
function! s:to_first() abort
  for window in win_findbuf(swarm#buffer#find(s:NAME))
    if line('.', window) == 1 && !empty(s:inbox.approvals)
      call win_execute(window, 'call cursor(4, 1)')
    endif
  endfor
endfunction

function! swarm#approval#inbox#fold(lnum) abort
  let line = get(s:inbox.lines, a:lnum - 1, '')
  let before = get(s:inbox.lines, a:lnum - 2, '')
  if type(line) != v:t_dict || !has_key(line, 'approval')
    return 0
  endif
  return type(before) == v:t_dict && has_key(before, 'approval') ? 1 : '>1'
endfunction

function! s:set_up() abort
  let Map = function('swarm#buffer#map')
  call Map('a', 'call swarm#approval#inbox#choose()', 'answer: choose how')
  call Map('y', 'call swarm#approval#inbox#decide("allow")', 'allow once')
  call Map('Y', 'call swarm#approval#inbox#decide("allowAlways")', 'allow always: what that makes stands there')
  call Map(['A', 'n'], 'call swarm#approval#inbox#decide("reject")', 'reject, with a reason')
  call Map('N', 'call swarm#approval#inbox#decide("rejectAlways")', 'reject always, with a reason')
  call Map('e', 'call swarm#approval#inbox#edit()', 'edit what would run, and allow that')
  call Map(['<CR>', 'o', '<2-LeftMouse>'], 'call swarm#approval#inbox#open()', 'the transcript')
  call Map(']]', 'call swarm#approval#inbox#jump(1)', 'the next question')
  call Map('[[', 'call swarm#approval#inbox#jump(-1)', 'the one before')
  call Map('<Tab>', 'silent! normal! za', 'open or close a fold')
  call Map('R', 'call swarm#approval#inbox#show("")', 'read them anew')
  call Map('g?', 'call swarm#help#show()', 'this help')
  call Map('q', 'call swarm#buffer#close()', 'close')
  autocmd swarm BufWinEnter <buffer> call swarm#buffer#options(['nonumber', 'norelativenumber', 'nolist', 'nospell',
        \ 'nowrap', 'signcolumn=no', 'foldcolumn=0', 'foldmethod=expr', 'foldlevel=9', 'foldenable', 'cursorline',
        \ 'foldexpr=swarm#approval#inbox#fold(v:lnum)'])
endfunction

" Shows the inbox. how: see swarm#buffer#open().
function! swarm#approval#inbox#show(how) abort
  call swarm#buffer#open(s:NAME, 'swarmapprovals', a:how, function('s:set_up'))
  call s:draw()
  call s:load()
endfunction

function! swarm#approval#inbox#visible() abort
  let buffer = swarm#buffer#find(s:NAME)
  return buffer && swarm#buffer#window(buffer)
endfunction

" --- Answers. ---

" The question under the cursor, {} for none; the only one from anywhere.
function! s:here() abort
  let line = get(s:inbox.lines, line('.') - 1, '')
  let index = type(line) == v:t_dict ? get(line, 'approval', -1) : -1
  if index < 0 && len(s:inbox.approvals) == 1
    let index = 0
  endif
  if index < 0
    call swarm#ui#info(empty(s:inbox.approvals) ? 'nobody asks anything' : 'go to one of the questions')
    return {}
  endif
  return s:inbox.approvals[index]
endfunction

function! s:nothing() abort
endfunction

function! swarm#approval#inbox#decide(decision) abort
  let approval = s:here()
  if empty(approval)
    return
  endif
  let always = {'allowAlways': 'allow', 'rejectAlways': 'reject'}
  if has_key(always, a:decision) && swarm#approval#text#rules(approval, always[a:decision]) ==# ''
    return swarm#ui#info('nothing could be kept of that answer: give it once')
  elseif a:decision =~# '^reject'
    return swarm#approval#ask_why(approval, a:decision, function('s:nothing'))
  endif
  call swarm#approval#decide(approval, a:decision, {})
endfunction

function! s:chosen(approval, choice, index) abort
  if a:index >= 0
    call swarm#approval#decide(a:approval, a:choice[1], {})
  endif
endfunction

function! swarm#approval#inbox#choose() abort
  let approval = s:here()
  if !empty(approval)
    call swarm#ui#select(swarm#approval#choices(approval), {'kind': 'swarm-approval', 'format': {item -> item[0]},
          \ 'prompt': 'Answer ' . get(approval, 'agentName', approval.agentId) . ':'}, function('s:chosen', [approval]))
  endif
endfunction

function! swarm#approval#inbox#open() abort
  let approval = s:here()
  if !empty(approval)
    call swarm#transcript#open(approval.agentId)
  endif
endfunction

function! swarm#approval#inbox#jump(direction) abort
  let [at, lines] = [line('.') - 1 + a:direction, s:inbox.lines]
  while at >= 0 && at < len(lines)
    if swarm#approval#inbox#fold(at + 1) is# '>1'
      return cursor(at + 1, 1)
    endif
    let at += a:direction
  endwhile
endfunction

" --- Arguments that a person changes. ---

" The member of the input that is text by itself; '' when it is to be edited as JSON.
function! s:member(input) abort
  return get(filter(['command', 'content'], 's:text(a:input, v:val) !=# ""'), 0, '')
endfunction

function! s:set_up_edit(approval) abort
  setlocal buftype=acwrite modifiable undolevels< bufhidden=wipe
  let b:swarm_approval = a:approval
  let b:swarm_agent = a:approval.agentId
  autocmd swarm BufWriteCmd <buffer> call swarm#approval#inbox#write()
endfunction

function! swarm#approval#inbox#edit() abort
  let approval = s:here()
  if empty(approval)
    return
  endif
  let input = swarm#items#text#dict(approval, 'input')
  let member = s:member(input)
  let text = member ==# '' ? json_encode(input) : input[member]
  call swarm#buffer#open('swarm://approval/' . approval.id, member ==# 'command' ? 'sh' : '', 'split',
        \ function('s:set_up_edit', [approval]))
  call setline(1, split(substitute(text, '\n$', '', ''), "\n", 1))
  setlocal nomodified
  call swarm#ui#info(':w allows it with this text, :q gives it up')
endfunction

" `:w` in the buffer of the arguments.
function! swarm#approval#inbox#write() abort
  let approval = b:swarm_approval
  let input = copy(swarm#items#text#dict(approval, 'input'))
  let member = s:member(input)
  let text = join(getline(1, '$'), "\n")
  try
    let input = member ==# '' ? json_decode(text) : extend(input, {member: member ==# 'content' ? text . "\n" : text})
  catch /^Vim\%((\a\+)\)\=:E/
    return swarm#ui#error('that is no JSON: ' . substitute(v:exception, '^Vim\S*:', '', ''))
  endtry
  setlocal nomodified
  call swarm#approval#decide(approval, 'allow', {'input': input})
  let buffer = bufnr()
  call timer_start(0, {-> swarm#buffer#finish(buffer)})
endfunction

" --- What happens elsewhere. ---

function! s:agent(data) abort
  if swarm#items#text#number(a:data.agent, 'approvals') != swarm#items#text#number(a:data.old, 'approvals')
        \ && swarm#buffer#find(s:NAME)
    call s:load()
  endif
endfunction

function! s:reload(_) abort
  if swarm#buffer#find(s:NAME)
    call s:load()
  endif
endfunction

call swarm#event#on('agent', function('s:agent'))
call swarm#event#on('gone', function('s:reload'))
call swarm#event#on('answered', function('s:reload'))
call swarm#event#on('ready', function('s:reload'))
call swarm#event#on('exit', {_ -> extend(s:inbox, {'loading': 0, 'again': 0})})
